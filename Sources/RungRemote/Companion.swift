internal import CLinux
import Glibc
import RungCore
import Synchronization

/// A program that is started to talk with: its standard input and output are one socket, and what it says on its standard
/// error is kept for the message when it fails.
///
/// It is told to end by closing the socket; one that does not is killed.
final class Companion: Sendable {
  /// Our end of the conversation.
  let socket: Int32
  private let process: pid_t
  private let errors: Int32
  private let end = Mutex<Int32?>(nil)

  /// Starts a program, found on the PATH of `variables` where it has no slash.
  init(_ program: String, _ arguments: [String], variables: [String: String]) throws(RemoteError) {
    func trouble(_ number: Int32) -> RemoteError {
      RemoteError(.local, "cannot start \(program): \(RemoteFiles.reason(number))")
    }
    let path = try Self.find(program, variables)
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw trouble(errno)
    }
    errors = rung_memory_file()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    if errors >= 0 { posix_spawn_file_actions_adddup2(&actions, errors, 2) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    // Of a group of its own: what is typed at the terminal is for us, and we decide what becomes of the transfer.
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] =
      variables.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + environment { free(text) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, path, &actions, &attributes, &words, &environment)
    close(ends[1])
    (self.process, socket) = (process, ends[0])
    guard code == 0 else {
      end.withLock { $0 = 0 }
      throw trouble(code)
    }
  }

  deinit {
    close(socket)
    finish(patience: 2000)
    if errors >= 0 { close(errors) }
  }

  /// Waits a little for its end, and kills it where it does not come. Gives its exit code, or 128 and the signal.
  @discardableResult
  func finish(patience: Int32) -> Int32 {
    end.withLock { end in
      if let end { return end }
      shutdown(socket, Int32(SHUT_RDWR))
      if rung_await_end(process, patience) == 0 { kill(process, SIGKILL) }
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0 && errno == EINTR {}
      let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
      end = code
      return code
    }
  }

  /// Kills it: what it has begun is not to be finished.
  func abort() {
    end.withLock { end in
      if end != nil { return }
      kill(process, SIGKILL)
      while waitpid(process, nil, 0) < 0 && errno == EINTR {}
      end = 128 + SIGKILL
    }
  }

  /// The end of what it said on its standard error, on one line.
  func lastWords() -> String {
    guard errors >= 0 else { return "" }
    var bytes = [UInt8](repeating: 0, count: 2000)
    let size = lseek(errors, 0, SEEK_END)
    let count = pread(errors, &bytes, bytes.count, max(0, size - bytes.count))
    let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
      .split(whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" })
      .map { $0.filter { !$0.isNewline && ($0.asciiValue ?? 32) >= 32 } }
    return lines.suffix(4).joined(separator: "; ")
  }

  /// Where a program is: as given, or on the PATH.
  static func find(_ program: String, _ variables: [String: String]) throws(RemoteError) -> String {
    if program.contains("/") {
      if access(program, X_OK) == 0 { return program }
    } else {
      for folder in (variables["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
      where access("\(folder)/\(program)", X_OK) == 0 {
        return "\(folder)/\(program)"
      }
    }
    throw RemoteError(.local, "the program \(program) is not there")
  }
}
