import Glibc
import RungCore
import Testing

/// A project in a folder of its own, in which `rung` runs as a user would run it but for the surroundings: its own home,
/// a fixed PATH and language, no colours. Gone with the value.
final class Sandbox: Sendable {
  /// Everything of this sandbox.
  let folder: String
  /// The project's root.
  let project: String

  /// A project with these files; with none it is an empty folder. `parent` is where the sandbox is made.
  init(_ files: [String: String] = [:], under parent: String? = nil) throws {
    let parent = parent ?? (access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")
    var template = Array("\(parent)/rung-story-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Broken(description: "mkdtemp: error \(errno)") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    project = "\(folder)/project"
    mkdir(project, 0o755)
    mkdir("\(folder)/home", 0o755)
    for (path, text) in files { try write(text, to: path) }
  }

  /// A copy of a project that lies beside these tests.
  convenience init(copying name: String) throws {
    try self.init()
    guard try Self.program("/bin/cp", ["-R", "\(Self.sources)/Projects/\(name)/.", project]).code == 0 else {
      throw Broken(description: "cannot copy the project \(name)")
    }
  }

  deinit {
    // Folders that a story made read-only are in the way.
    _ = try? Self.program("/bin/chmod", ["-R", "u+rwX", folder])
    _ = try? Self.program("/bin/rm", ["-rf", folder])
  }

  // MARK: the command

  /// The folder of these tests' sources.
  static let sources = String(#filePath.dropLast("/Sandbox.swift".count))

  /// The command: `RUNG_BINARY`, else what was built beside the tests.
  static let binary: String = {
    if let given = getenv("RUNG_BINARY") { return String(cString: given) }
    guard let own = realpath("/proc/self/exe", nil) else { return "rung" }
    defer { free(own) }
    var folder = String(cString: own)
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      var status = stat()
      if stat("\(folder)/rung", &status) == 0, status.st_mode & S_IFMT == S_IFREG { return "\(folder)/rung" }
    }
    return "rung"
  }()

  /// The variables of a command in the sandbox; those given go over the standing ones.
  func variables(_ own: [String: String] = [:]) -> [String: String] {
    let standing = [
      "HOME": "\(folder)/home", "TERM": "dumb", "NO_COLOR": "1", "TZ": "UTC", "LANG": "C.UTF-8",
      "PATH": "/usr/bin:/bin",
    ]
    return standing.merging(own) { $1 }
  }

  /// Runs `rung` in the project and waits for it.
  func rung(_ arguments: String..., with own: [String: String] = [:], in place: String = ".") throws -> Finished {
    try start(arguments, with: own, in: place).wait()
  }

  /// Starts `rung` in the project.
  func start(_ arguments: [String], with own: [String: String] = [:], in place: String = ".") throws -> Running {
    try Running(
      Self.binary, arguments, variables: variables(own), folder: place.hasPrefix("/") ? place : "\(project)/\(place)",
      sandbox: self)
  }

  /// Runs any program.
  static func program(_ path: String, _ arguments: [String], in folder: String = "/") throws -> Finished {
    try Running(path, arguments, variables: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"], folder: folder).wait()
  }

  /// Changes a stored byte of a small object: behind the header of 72 bytes in which a pack names it.
  func damage(_ digest: Digest) throws {
    for name in try names("cache/packs") where name.hasSuffix(".objects") {
      let path = "\(project)/cache/packs/\(name)"
      guard let file = fopen(path, "r+") else { continue }
      defer { fclose(file) }
      fseek(file, 0, SEEK_END)
      var bytes = [UInt8](repeating: 0, count: ftell(file))
      rewind(file)
      fread(&bytes, 1, bytes.count, file)
      let wanted = digest.bytes
      for start in stride(from: 0, to: bytes.count - 72, by: 1)
      where bytes[start] == 0x5D && bytes[start + 1] == 0x2A && Array(bytes[start + 32..<start + 64]) == wanted {
        fseek(file, start + 72 + 6, SEEK_SET)
        fputc(Int32(bytes[start + 72 + 6] ^ 0xFF), file)
        return
      }
    }
    Issue.record("no pack has the object \(digest.hex)")
  }

  /// The processes of steps of this sandbox, by what the system says of all processes: those that see the sandbox through
  /// mounts of their own, and those that are at work in its cache.
  func stepProcesses() -> [pid_t] {
    guard let stream = opendir("/proc") else { return [] }
    defer { closedir(stream) }
    let name = folder.split(separator: "/").last ?? ""
    var found: [pid_t] = []
    var place = [CChar](repeating: 0, count: 4096)
    while let entry = readdir(stream) {
      let text = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let process = pid_t(text) else { continue }
      let count = readlink("/proc/\(process)/cwd", &place, place.count)
      let isInCache = String(decoding: place.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .hasPrefix("\(project)/cache/")
      if isInCache || read("/proc/\(process)/mountinfo")?.contains(name) == true { found.append(process) }
    }
    return found
  }

  // MARK: files, by their paths in the project

  func write(_ text: String, to path: String) throws {
    let place = "\(project)/\(path)"
    for index in place.indices.dropFirst(project.count + 1) where place[index] == "/" {
      mkdir(String(place[..<index]), 0o755)
    }
    guard let file = fopen(place, "we") else { throw Broken(description: "cannot write \(place): error \(errno)") }
    defer { fclose(file) }
    let bytes = Array(text.utf8)
    fwrite(bytes, 1, bytes.count, file)
  }

  /// The text of a file; nil when there is none.
  func read(_ path: String) -> String? { Self.text(of: path.hasPrefix("/") ? path : "\(project)/\(path)") }

  /// The text of any file; nil when there is none.
  static func text(of path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Replaces the one place where `old` stands.
  func edit(_ path: String, _ old: String, _ new: String) throws {
    let text = try #require(read(path))
    try #require(text.ranges(of: old).count == 1, "\(path) must have '\(old)' once")
    try write(text.replacing(old, with: new), to: path)
  }

  /// Adds a line at the end.
  func append(_ line: String, to path: String) throws { try write(try #require(read(path)) + line + "\n", to: path) }

  func remove(_ path: String) throws {
    try #require(unlink("\(project)/\(path)") == 0)
  }

  func exists(_ path: String) -> Bool { access("\(project)/\(path)", F_OK) == 0 }

  /// The paths of all files below a folder, sorted; with `.git`, but without folders.
  func files(_ path: String = ".") throws -> [String] {
    let found = try Self.program("/usr/bin/find", [path, "!", "-type", "d"], in: project)
    return found.output.split(separator: "\n").map { $0.hasPrefix("./") ? String($0.dropFirst(2)) : String($0) }
      .sorted()
  }

  /// The names in a folder, sorted; none when it is not there.
  func names(_ path: String) throws -> [String] {
    try Self.program("/bin/ls", ["-A", path], in: project).output.split(separator: "\n").map(String.init).sorted()
  }

  /// Gives every file but those of the cache the time stamp of now.
  func touchEverything() throws {
    let touched = try Self.program(
      "/usr/bin/find", [".", "-path", "./cache", "-prune", "-o", "-exec", "/bin/touch", "{}", "+"], in: project)
    try #require(touched.code == 0)
  }
}
