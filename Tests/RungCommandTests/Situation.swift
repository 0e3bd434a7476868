import Glibc
import RungCore
import Testing

/// A host that allows less than this one: another user, and things that the kernel refuses. Made for a command and all
/// that it starts.
struct Situation: Sendable, CustomTestStringConvertible {
  let name: String
  /// The user `nobody`, when the tests run as root; else whoever runs them.
  var isOrdinary = false
  /// Words of Programs/refuse.c.
  var refused: [String] = []
  var hasLauncher = true

  var testDescription: String { name }

  /// Who may do all that this host allows.
  static let here = Situation(name: "here")
  /// A user without any rights of its own.
  static let ordinary = Situation(name: "ordinary user", isOrdinary: true)

  /// Whether it can be made here: only root can become another user, and nobody can become root.
  var isPossible: Bool { isOrdinary || geteuid() == 0 }

  static let user: uid_t = 65534

  /// The programs in a folder that every user can read: the command, its launcher, `refuse`.
  private static let programs: Result<String, any Error> = Result {
    var template = Array("/tmp/rung-programs-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Broken(description: "mkdtemp: error \(errno)") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    atexit { Situation.removePrograms() }
    chmod(folder, 0o755)
    let source = "\(Sandbox.sources)/Programs/refuse.c"
    let compiled = try Sandbox.program(
      "/usr/bin/cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-o", "\(folder)/refuse", source])
    guard compiled.code == 0 else { throw Broken(description: "cannot compile refuse.c: \(compiled.errors)") }
    for program in [Sandbox.binary, "\(Sandbox.binary)-step"] {
      let copied = try Sandbox.program(
        "/bin/sh", ["-c", "ln \"$1\" \"$2\" 2>/dev/null || cp \"$1\" \"$2\"", "sh", program, folder])
      guard copied.code == 0 else { throw Broken(description: "cannot copy \(program): \(copied.errors)") }
    }
    return folder
  }

  private static func removePrograms() {
    guard let folder = try? programs.get() else { return }
    for name in ["refuse", "rung", "rung-step"] { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  /// The words that run `rung` with these arguments.
  fileprivate func words(_ arguments: [String]) throws -> [String] {
    let programs = try Self.programs.get()
    var words = ["\(programs)/rung"] + arguments
    if !refused.isEmpty { words = ["\(programs)/refuse"] + refused + ["--"] + words }
    if isOrdinary, geteuid() == 0 {
      words = ["/usr/bin/setpriv", "--reuid", "\(Self.user)", "--regid", "\(Self.user)", "--clear-groups"] + words
    }
    return words
  }
}

extension Sandbox {
  /// Starts `rung` in the project, in a situation.
  func start(_ arguments: [String], in situation: Situation, with own: [String: String] = [:]) throws -> Running {
    if situation.isOrdinary, geteuid() == 0 {
      // What the test wrote since the last time is the user's too.
      let changed = try Self.program("/bin/chown", ["-Rh", "\(Situation.user):\(Situation.user)", folder])
      guard changed.code == 0 else { throw Broken(description: changed.errors) }
    }
    let words = try situation.words(arguments)
    let launcher = situation.hasLauncher ? [:] : ["RUNG_STEP": "/nonexistent"]
    return try Running(
      words[0], Array(words.dropFirst()), variables: variables(launcher.merging(own) { $1 }), folder: project,
      sandbox: self)
  }

  /// Runs `rung` in a situation.
  func rung(_ arguments: String..., in situation: Situation, with own: [String: String] = [:]) throws -> Finished {
    try start(arguments, in: situation, with: own).wait()
  }

  /// `rung run --json` with more words, in a situation.
  func run(_ arguments: String..., in situation: Situation, with own: [String: String] = [:]) throws -> RunReport {
    try RunReport(try start(["run", "--json"] + arguments, in: situation, with: own).wait())
  }

  /// The JSON that a verb prints in a situation.
  func json(_ arguments: [String], in situation: Situation) throws -> JSON {
    try JSON(parsing: try start(arguments, in: situation).wait().output)
  }
}
