import Glibc
import RungCore
import RungStore
import RungWire
import Synchronization

/// A remote that is a cache of Rung on another machine, reached through ssh: `rung serve-stdio` at the other end, spoken
/// with in the words of `StdioTalk`.
///
/// Each thread that uses the remote at once has a connection of its own.
public final class StdioRemote: RemoteStorage {
  /// Its address, as people know it.
  public let name: String
  private let destination: String
  private let port: Int?
  private let path: String
  private let variables: [String: String]
  private let idle = Mutex<[StdioSession]>([])

  /// Objects that are under way before the first of them is answered: few enough for their answers to fit into a pipe.
  private static let window = 32

  /// The remote at `destination` (`user@host`). `variables` are those of this process: RUNG_SSH is run by the shell in
  /// place of `ssh`, RUNG_SSH_RUNG is how rung is called there, RUNG_REMOTE_STALL how long an answer is waited for.
  public init(_ name: String, destination: String, port: Int?, path: String, variables: [String: String]) {
    (self.name, self.destination, self.port, self.path) = (name, destination, port, path)
    self.variables = variables
  }

  /// Asks which of these objects are there.
  public func present(_ objects: [Digest]) throws(RemoteError) -> Set<Digest> {
    let wanted = Array(Set(objects).subtracting([.empty]))
    var found = Set<Digest>()
    if objects.contains(.empty) { found.insert(.empty) }
    let session = try session()
    found.formUnion(try session.which(wanted))
    keep(session)
    return found
  }

  /// Sends what is not there.
  public func push(
    _ objects: [Digest], from store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    let session = try session()
    let outcome = try Tally.run(objects, progress) { wanted, tally in
      do throws(RemoteError) {
        let there = try session.which(wanted)
        for _ in there { tally.skipped() }
        for digest in wanted where !there.contains(digest) && !tally.isStopped {
          try session.put(digest, from: store, tally)
          while session.pending.count >= Self.window { try session.settle(tally) }
        }
        while !session.pending.isEmpty { try session.settle(tally) }
        if !tally.isStopped { try session.flush() }
      } catch {
        tally.stop(error)
      }
    }
    keep(session)
    return outcome
  }

  /// Fetches what the store has not.
  public func pull(
    _ objects: [Digest], into store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    let session = try session()
    let outcome = try Tally.run(objects, progress) { wanted, tally in
      do throws(RemoteError) {
        for digest in wanted where !tally.isStopped {
          if store.contains(digest) {
            tally.skipped()
            continue
          }
          try session.ask(.get, digest)
          while session.pending.count >= Self.window { try session.fetch(into: store, tally) }
        }
        while !session.pending.isEmpty, !tally.isStopped { try session.fetch(into: store, tally) }
      } catch {
        tally.stop(error)
      }
    }
    keep(session)
    return outcome
  }

  /// Reads what is kept under a key.
  public func result(_ key: Digest) throws(RemoteError) -> [UInt8]? {
    let session = try session()
    let bytes = try session.result(key)
    keep(session)
    return bytes
  }

  /// Keeps bytes under a key.
  public func putResult(_ bytes: [UInt8], for key: Digest) throws(RemoteError) {
    let session = try session()
    try session.putResult(bytes, key)
    keep(session)
  }

  // One that waits and still answers, or a new one.
  private func session() throws(RemoteError) -> StdioSession {
    while let used = idle.withLock({ $0.popLast() }) { if used.answers() { return used } }
    let stall = max(1, variables["RUNG_REMOTE_STALL"].flatMap { Int32($0) } ?? 30)
    let rung = variables["RUNG_SSH_RUNG"].flatMap { $0.isEmpty ? nil : $0 } ?? "rung"
    var arguments = port.map { ["-p", "\($0)"] } ?? []
    let command = "\(rung) serve-stdio '\(path.replacing("'", with: "'\\''"))'"
    let companion: Companion
    if let shell = variables["RUNG_SSH"], !shell.isEmpty {
      arguments += [destination, command]
      companion = try Companion(
        "/bin/sh", ["-c", "exec \(shell) \"$@\"", "rung-ssh"] + arguments, variables: variables)
    } else {
      arguments += ["-o", "ServerAliveInterval=\(max(1, stall / 3))", "-o", "ServerAliveCountMax=3"]
      // Where nobody sits before a terminal nobody can be asked.
      if isatty(0) == 0 { arguments += ["-o", "BatchMode=yes"] }
      companion = try Companion("ssh", arguments + [destination, command], variables: variables)
    }
    return try StdioSession(companion, name: name, stall: stall)
  }

  // With something still under way it is of no use to anybody.
  private func keep(_ session: StdioSession) {
    guard session.pending.isEmpty, session.isSound else { return }
    idle.withLock { if $0.count < 4 { $0.append(session) } }
  }
}
