import Glibc
import Synchronization
import Testing

/// How a command ended and what it said.
struct Finished: CustomTestStringConvertible {
  /// The exit code, or 128 plus the number of the signal that ended it, as a shell counts.
  let code: Int32
  let output: String
  let errors: String

  var testDescription: String { "exit code \(code)\nstdout:\n\(output)\nstderr:\n\(errors)" }
}

/// What keeps a test from being carried out at all.
struct Broken: Error, CustomStringConvertible {
  let description: String
}

/// A started command with both its outputs in pipes.
///
/// Used by one thread. A command that is still there when the value goes is killed.
final class Running {
  let process: pid_t
  private static let spawning = Mutex(())
  private var streams: [Int32]
  private var heard: [[UInt8]] = [[], []]
  private var ended = false
  // Its folder must stay as long as it runs.
  private let sandbox: Sandbox?

  /// Starts a program with exactly these variables, its standard input empty.
  init(
    _ program: String, _ arguments: [String], variables: [String: String], folder: String, sandbox: Sandbox? = nil
  ) throws {
    self.sandbox = sandbox
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }

    // Whatever the test runner does with signals, the command starts as from a shell.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    // `env` goes to the folder and becomes the program.
    var words: [UnsafeMutablePointer<CChar>?] =
      (["env", "-C", folder, program] + arguments).map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] =
      variables.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + environment { free(pointer) } }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    var process: pid_t = 0
    // One at a time: a pipe that another command inherits would never be seen to close.
    let (code, reading) = Self.spawning.withLock { _ -> (Int32, [Int32]) in
      var pipes: [[Int32]] = []
      for stream in 1...2 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return (errno, pipes.map { $0[0] }) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], Int32(stream))
        pipes.append(ends)
      }
      let code = posix_spawn(&process, "/usr/bin/env", &actions, &attributes, &words, &environment)
      for ends in pipes { close(ends[1]) }
      return (code, pipes.map { $0[0] })
    }
    self.process = process
    streams = reading
    guard code == 0 else {
      ended = true
      throw Broken(description: "cannot start \(program): \(String(cString: strerror(code)))")
    }
  }

  deinit {
    for stream in streams where stream >= 0 { close(stream) }
    guard !ended else { return }
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  /// Sends a signal to the command alone.
  func signal(_ number: Int32) { kill(process, number) }

  /// Reads both outputs until the command has closed them, then waits for its end. A command that says nothing for
  /// `patience` seconds is killed: it hangs.
  func wait(patience: Int32 = 120) throws -> Finished {
    try listen(patience: patience) { _ in false }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    ended = true
    let signal = status & 0x7f
    return Finished(
      code: signal == 0 ? (status >> 8) & 0xff : 128 + signal, output: text(0), errors: text(1))
  }

  /// Reads until this text was on standard output.
  func wait(untilPrinted text: String) throws {
    try listen(patience: 120) { $0.contains(text) }
    guard self.text(0).contains(text) else { throw Broken(description: "never printed \(text): \(self.text(1))") }
  }

  /// Reads until this text was on standard error.
  func wait(untilComplained text: String) throws {
    try listen(patience: 120) { _ in self.text(1).contains(text) }
    guard self.text(1).contains(text) else { throw Broken(description: "never said \(text): \(self.text(1))") }
  }

  /// What was read from standard output so far.
  func printed() -> String { text(0) }

  private func text(_ stream: Int) -> String { String(decoding: heard[stream], as: UTF8.self) }

  private func listen(patience: Int32, until enough: (String) -> Bool) throws {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while streams.contains(where: { $0 >= 0 }), !enough(text(0)) {
      // A negative descriptor is passed over by poll.
      var polls = streams.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let ready = poll(&polls, 2, patience * 1000)
      if ready < 0 && errno == EINTR { continue }
      guard ready > 0 else {
        kill(process, SIGKILL)
        throw Broken(description: "it hangs; so far:\n\(text(0))\n\(text(1))")
      }
      for index in 0..<2 where polls[index].revents != 0 {
        let count = read(streams[index], &buffer, buffer.count)
        if count > 0 {
          heard[index] += buffer[..<count]
        } else if count == 0 || errno != EINTR {
          close(streams[index])
          streams[index] = -1
        }
      }
    }
  }
}
