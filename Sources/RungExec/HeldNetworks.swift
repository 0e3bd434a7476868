import Glibc
import Synchronization

/// Network namespaces without any network, used by one step after the other: making one costs about a millisecond, as much
/// as all other parts of a private view together.
///
/// A step has one for itself while it runs; nothing of it is left there when its processes are gone.
final class HeldNetworks: Sendable {
  /// A network namespace and, for ordinary users, the user namespace that owns it.
  final class Network: Sendable {
    let network: Int32
    /// -1 where there is none.
    let users: Int32

    init(network: Int32, users: Int32) {
      self.network = network
      self.users = users
    }

    deinit {
      close(network)
      if users >= 0 { close(users) }
    }
  }

  private let free = Mutex<[Network]>([])

  /// One that nobody uses; nil when none can be made: the step then makes its own.
  func take(_ launcher: StepLauncher, users: Bool) -> Network? {
    if let network = free.withLock({ list in
      list.lastIndex { ($0.users >= 0) == users }.map { list.remove(at: $0) }
    }) {
      return network
    }
    return Self.make(launcher, users: users)
  }

  /// Takes one back whose step has ended with all its processes.
  func giveBack(_ network: Network) { free.withLock { $0.append(network) } }

  private static func make(_ launcher: StepLauncher, users: Bool) -> Network? {
    let words = [launcher.path, "hold"] + (users ? ["users"] : [])
    guard let answer = try? BuildTool.run(words, in: "/", variables: []), answer.end == .exited(0),
      let holder = answer.lines.last.flatMap({ pid_t($0) })
    else { return nil }
    // It is our child now, as whose parent ended: it is ended and waited for, and its number is its own until then.
    defer {
      kill(holder, SIGKILL)
      while waitpid(holder, nil, 0) < 0 && errno == EINTR {}
    }
    let network = open("/proc/\(holder)/ns/net", O_RDONLY | O_CLOEXEC)
    guard network >= 0 else { return nil }
    guard users else { return Network(network: network, users: -1) }
    let owner = open("/proc/\(holder)/ns/user", O_RDONLY | O_CLOEXEC)
    guard owner >= 0 else {
      close(network)
      return nil
    }
    return Network(network: network, users: owner)
  }
}
