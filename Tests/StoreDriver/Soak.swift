import Glibc

/// Starts workers and kills them, for a time or for a number of kills.
struct Soak {
  let folder: String
  let minutes: Int?
  let kills: Int?
  let workers: Int
  let seed: UInt64

  private struct Running {
    let process: pid_t
    let output: Int32
    let seed: UInt64
    // It is killed when it has said so much, at some moment of the operation it then does.
    var lines: Int
  }

  func run() throws {
    print("seed \(seed)")
    mkdir(folder, 0o755)
    let ground = Ground(folder)
    var random = Seeded(seed)
    var running: [Running] = []
    var killed = 0
    var operations = 0
    let deadline = minutes.map { time(nil) + 60 * $0 }
    let most = kills ?? (deadline == nil ? 200 : .max)
    defer { for worker in running { kill(worker.process, SIGKILL) } }
    while killed < most, deadline.map({ time(nil) < $0 }) ?? true {
      while running.count < workers { running.append(try start(&random)) }
      var polls = running.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
      guard poll(&polls, nfds_t(polls.count), 1000) >= 0 else { throw Wrong("poll failed") }
      for index in polls.indices.reversed() where polls[index].revents != 0 {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(running[index].output, &buffer, buffer.count)
        let lines = count > 0 ? buffer[..<count].count { $0 == 10 } : 0
        operations += lines
        running[index].lines -= lines
        if count > 0, running[index].lines > 0 { continue }
        let worker = running.remove(at: index)
        // Some way into the operation.
        if count > 0 { usleep(UInt32.random(in: 0..<10_000, using: &random)) }
        try end(worker)
        killed += 1
      }
    }
    for worker in running { try end(worker) }
    running = []
    print("\(killed) kills of \(workers) workers, \(operations) operations")
    try verify(ground)
  }

  private func start(_ random: inout Seeded) throws -> Running {
    let seed = UInt64.random(in: 0..<1 << 32, using: &random)
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Wrong("no pipe") }
    for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    let arguments: [String] = ["rung-store-driver", "work", folder, String(seed)]
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    guard posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, environ) == 0 else {
      throw Wrong("a worker cannot be started")
    }
    return Running(process: process, output: ends[0], seed: seed, lines: Int.random(in: 1..<40, using: &random))
  }

  // A worker ends because it is killed, or because it has found something.
  private func end(_ worker: Running) throws {
    kill(worker.process, SIGKILL)
    close(worker.output)
    var status: Int32 = 0
    while waitpid(worker.process, &status, 0) < 0 && errno == EINTR {}
    guard status & 0x7f == SIGKILL else {
      throw Wrong("the worker with seed \(worker.seed) ended by itself (status \(status)) in the soak of seed \(seed)")
    }
  }
}
