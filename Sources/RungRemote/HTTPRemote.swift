import RungCore
import RungStore
import RungWire
import Synchronization

/// A remote that is a web server in the layout of Bazel's tools: objects are `/cas/<64 digits>`, results `/ac/<64 digits>`
/// below the address, read with GET, looked at with HEAD and written with PUT.
///
/// The HTTP itself is spoken by the program `rung-transfer` (`TransferTalk`), one for each thread that uses the remote at
/// once; memory is bounded there and here. What fails for a reason that may pass is tried again, with longer and longer
/// pauses; an object that came in part is gone on with where the server can do that.
public final class HTTPRemote: RemoteStorage {
  /// Its address, as people know it.
  public let name: String
  private let settings: HTTPSettings
  private let wrong = Wrong()
  private let idle = Mutex<[HTTPSession]>([])

  /// The remote at an address. `variables` are those of this process; docs/formats/remote.md says which ones count.
  /// Throws `local` when `rung-transfer` is not there, or others can read the file with the credentials.
  public init(_ address: String, host: String, variables: [String: String]) throws(RemoteError) {
    name = address
    settings = try HTTPSettings(address: address, host: host, variables: variables)
  }

  /// Asks which of these objects are there.
  public func present(_ objects: [Digest]) throws(RemoteError) -> Set<Digest> {
    let found = Found()
    var rest = Array(Set(objects).subtracting([.empty]))
    try run { () -> (any HTTPWork)? in rest.popLast().map { HTTPLook($0, found) } }
    if let error = found.error { throw error }
    return objects.contains(.empty) ? found.digests.union([.empty]) : found.digests
  }

  /// Sends what is not there.
  public func push(
    _ objects: [Digest], from store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    try Tally.run(objects, progress) { wanted, tally in
      var rest = wanted.makeIterator()
      perform(tally) { () -> (any HTTPWork)? in
        tally.isStopped ? nil : rest.next().map { HTTPPush($0, from: store, tally, wrong) }
      }
    }
  }

  /// Fetches what the store has not.
  public func pull(
    _ objects: [Digest], into store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    try Tally.run(objects, progress) { wanted, tally in
      var rest = wanted.makeIterator()
      perform(tally) { () -> (any HTTPWork)? in
        while !tally.isStopped, let digest = rest.next() {
          if store.contains(digest) {
            tally.skipped()
          } else {
            return HTTPPull(digest, into: store, tally, most: settings.most, name, wrong)
          }
        }
        return nil
      }
    }
  }

  /// Reads what is kept under a key.
  public func result(_ key: Digest) throws(RemoteError) -> [UInt8]? {
    let work = HTTPRead("/ac/\(key.hex)")
    try single(work)
    return try work.result.get()
  }

  /// Keeps bytes under a key.
  public func putResult(_ bytes: [UInt8], for key: Digest) throws(RemoteError) {
    let work = HTTPWrite("/ac/\(key.hex)", bytes)
    try single(work)
    if let error = work.error { throw error }
  }

  private func single(_ work: any HTTPWork) throws(RemoteError) {
    var isGiven = false
    try run { () -> (any HTTPWork)? in
      defer { isGiven = true }
      return isGiven ? nil : work
    }
  }

  private func perform(_ tally: Tally, _ next: () -> (any HTTPWork)?) {
    do throws(RemoteError) { try run(next) } catch { tally.stop(error) }
  }

  // A session that has thrown is not used again: what it has begun ends with it.
  private func run(_ next: () -> (any HTTPWork)?) throws(RemoteError) {
    let session: HTTPSession
    if let used = idle.withLock({ $0.popLast() }) { session = used } else { session = try HTTPSession(settings) }
    try session.run(next)
    idle.withLock { if $0.count < 4 { $0.append(session) } }
  }
}
