import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungStore

/// A request to bring targets up to date, as far as the answer "there is nothing to do" depends on it.
public struct QuietRequest {
  /// The project's folder, absolute.
  public let root: String
  /// The cache's folder, absolute.
  public let cache: String
  /// When the command began to look at anything, in nanoseconds since 1970.
  let began: Int64
  let variables: [String: String]
  let version: String
  // As it was when the command began.
  let fixed: String
  // Which of the states in the cache is about this request.
  let name: String

  /// The answer.
  public struct Quiet {
    /// How many instances are up to date.
    public let instances: Int
    /// What is to be said of steps that are watched less than they ask for.
    public let notice: String?
    /// How long it took to find out.
    public let duration: TimeSpan
  }

  /// A request; made before anything of the project is looked at.
  ///
  /// - Parameters:
  ///   - words: everything that the user asked for: targets, and what changes the project for this command.
  ///   - variables: the environment of the caller.
  ///   - version: of this program.
  public init(root: String, cache: String, words: [String], variables: [String: String], version: String) {
    self.init(
      root: root, cache: cache, words: words, variables: variables, version: version, began: Clock.now())
  }

  init(root: String, cache: String, words: [String], variables: [String: String], version: String, began: Int64) {
    self.began = began
    self.root = root
    self.cache = cache
    self.variables = variables
    self.version = version
    var hash = FramedHash(domain: "rung/request/1")
    hash.field("root", root)
    // Not only where it is, but how it is called: the ledger's name of the project depends on that.
    hash.field("cache", cache)
    for word in words { hash.field("word", word) }
    name = hash.digest().hex
    fixed = Self.fixed(cache, variables, version)
  }

  private var folder: String { "\(cache)/quiet" }
  private var path: String { "\(folder)/\(name)" }

  /// What an earlier run found, if all of it is still so; nil when there is something to do, or it cannot be told without
  /// the whole plan. Writes nothing but what it learnt of places that look different and are the same.
  public func recall() -> Quiet? {
    guard let check = QuietCheck(path, root: root), check.made <= began,
      check.made > began - QuietState.lifetime, let glance = LedgerGlance(path: "\(cache)/index.sqlite"),
      let circumstances = try? JSON(parsing: check.circumstances),
      circumstances["ledger"]?.string == glance.generation.text,
      circumstances["removals"]?.string == ObjectStore.removals(inCache: cache),
      circumstances["fixed"]?.string == fixed, holds(circumstances, glance)
    else { return nil }
    guard let hasChanged = check.holds(threads: HostResources.detect(environment: variables).processors) else {
      return nil
    }
    if hasChanged { write(check.sealed()) }
    return Quiet(
      instances: check.instances, notice: check.notice, duration: TimeSpan(nanoseconds: Clock.now() - began))
  }

  // What can be found out without knowing the project: the program, the machine, what the kernel allows.
  private static func fixed(_ cache: String, _ variables: [String: String], _ version: String) -> String {
    var program = stat()
    stat("/proc/self/exe", &program)
    let host = HostResources.detect(environment: variables)
    let launcher = StepLauncher.find(variables: variables)
    let identity = QuietState.Identity(program)
    return [
      version, "\(identity.inode) \(identity.size) \(identity.modified)", "\(geteuid())",
      "\(host.processors) \(host.memory) \(host.gpus)",
      launcher.map { "\($0.path) \($0.circumstances(folder: cache))" } ?? "no launcher",
    ].joined(separator: "\n")
  }

  // The variables, programs and environments that keys were made of.
  private func holds(_ circumstances: JSON, _ glance: LedgerGlance) -> Bool {
    for variable in circumstances["variables"]?.array ?? [] {
      guard let name = variable["name"]?.string,
        variable["value"]?.string == variables[name].map({ Digest(ofText: $0).hex })
      else { return false }
    }
    for program in circumstances["programs"]?.array ?? [] {
      guard let name = program["name"]?.string, let path = program["path"]?.string,
        program["file"]?.string == ProgramLookup.resolve(name, path: path)
      else { return false }
    }
    let environments = PythonEnvironments(folder: "\(cache)/envs")
    for environment in circumstances["environments"]?.array ?? [] {
      // Only asked of an interpreter that is known: to run one takes longer than the long way saves.
      let memo = PythonEnvironments.Memo(get: { glance.probe($0) }, set: { _, _ in })
      guard let lock = environment["lock"]?.string.flatMap({ RelativePath($0) }),
        let bytes = readFile(lock.absolute(in: root)),
        let python = try? environments.identify(
          lock: bytes, interpreter: environment["interpreter"]?.string,
          path: StepVariables.path(environmentBin: nil, caller: variables["PATH"]), memo: memo),
        environment["identity"]?.string == python.identity.hex
      else { return false }
    }
    return true
  }

  // MARK: writing

  // So many are kept: a request for each of a user's habits, not one for each target that was ever asked for.
  private static let most = 32

  /// Keeps a state in place of the one before. That it cannot be written is no error.
  func keep(_ state: QuietState) {
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { return }
    state.encoded().withUnsafeBytes { write($0) }
    discardOld()
  }

  /// Forgets the state of this request.
  func forget() { unlink(path) }

  // Not synchronised: one that a power cut has torn does not have its checksum.
  private func write(_ bytes: UnsafeRawBufferPointer) {
    let draft = "\(folder)/.\(name).\(getpid())"
    let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { return }
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(file, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    close(file)
    if done < bytes.count || rename(draft, path) != 0 { unlink(draft) }
  }

  private func discardOld() {
    guard let names = SourceFiles.names(in: folder), names.count > Self.most else { return }
    var files: [(path: String, used: Int64)] = []
    for name in names {
      let path = "\(folder)/\(String(decoding: name, as: UTF8.self))"
      var status = stat()
      if lstat(path, &status) == 0 { files.append((path, SourceFiles.nanoseconds(status.st_mtim))) }
    }
    for file in files.sorted(by: { $0.used > $1.used }).dropFirst(Self.most) { unlink(file.path) }
  }
}
