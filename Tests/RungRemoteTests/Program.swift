import Glibc
import Synchronization

/// A program that a test starts; one that is still there when the value goes is killed.
final class Program: Sendable {
  let process: pid_t
  private let isOver = Mutex(false)

  /// Starts a program with its output in a file, or thrown away.
  init(_ path: String, _ arguments: [String], variables: [String: String] = [:], log: String = "/dev/null") throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    let standing = ["PATH": "/usr/sbin:/usr/bin:/bin", "LC_ALL": "C"].merging(variables) { $1 }
    var environment: [UnsafeMutablePointer<CChar>?] = standing.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for word in words + environment { free(word) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, path, &actions, nil, &words, &environment)
    guard code == 0 else { throw Broken(description: "cannot start \(path): error \(code)") }
    self.process = process
  }

  deinit { stop(SIGKILL) }

  /// Sends it a signal and waits for its end.
  func stop(_ signal: Int32 = SIGTERM) {
    isOver.withLock { over in
      if over { return }
      kill(process, signal)
      waitpid(process, nil, 0)
      over = true
    }
  }

  /// Waits for its end; gives its exit code.
  func wait() -> Int32 {
    isOver.withLock { over in
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0 && errno == EINTR {}
      over = true
      return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }
  }

  /// Runs a program to its end.
  @discardableResult
  static func run(
    _ path: String, _ arguments: [String], variables: [String: String] = [:], log: String = "/dev/null"
  ) throws -> Int32 {
    try Program(path, arguments, variables: variables, log: log).wait()
  }

  /// A program of this package, beside the tests.
  static func built(_ name: String) -> String {
    guard let own = realpath("/proc/self/exe", nil) else { return name }
    defer { free(own) }
    var folder = String(cString: own)
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      var status = stat()
      if stat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG { return "\(folder)/\(name)" }
    }
    return name
  }

  /// Whether a program is installed.
  static func isInstalled(_ path: String) -> Bool { access(path, X_OK) == 0 }
}
