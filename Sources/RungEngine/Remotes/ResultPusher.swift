import RungCore
import RungFormats
import RungRemote
import RungSign
import RungStore
import Synchronization

/// Gives results to one remote: first all objects, then the entry under the action key that names them, so that nobody
/// ever finds a result there that is not whole. Used from several threads.
final class ResultPusher: Sendable {
  /// What came of it.
  enum Outcome: Sendable {
    /// It is there now; so many objects and bytes were sent for it.
    case pushed(objects: Int, bytes: Int64)
    /// It was there, whole and signed with this key.
    case known
    /// It cannot be given to others: a sentence.
    case gone(String)
  }

  private let storage: any RemoteStorage
  private let store: ObjectStore
  private let signer: Signer
  // What results share is asked for once, and sent by one thread alone.
  private struct Known: Sendable {
    var there: Set<Digest> = []
    var sending: Set<Digest> = []
  }
  private let known = Mutex(Known())
  private let changed = Bell()
  // Bounded: some 16 MB.
  private static let mostRemembered = 200_000

  init(_ storage: any RemoteStorage, store: ObjectStore, signer: Signer) {
    self.storage = storage
    self.store = store
    self.signer = signer
  }

  /// Blocks until the result is there. Throws `RemoteError` when the remote does not take it, `StoreError` when the cache
  /// cannot be read.
  func push(
    _ key: Digest, _ record: Digest, passing: Set<String> = [],
    progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
  ) throws -> Outcome {
    let signature = signer.sign(key, record)
    let signed = Digest(of: signature.bytes)
    var listing = try listing(key)
    if let candidate = listing.candidates.first(where: { $0.record == record }),
      candidate.all(RemoteListing.Role.signature).contains(where: { $0.digest == signed }),
      try isWhole(candidate)
    {
      return .known
    }
    let closure: ResultClosure
    do {
      closure = try ResultClosure(of: record, in: store, passing: passing)
    } catch let gone as ResultClosure.Gone {
      return .gone(gone.message)
    }
    guard closure.record.key == key else {
      return .gone("the result of \(closure.record.instance) stands by an acceptance, which holds in this cache only")
    }
    var candidate = RemoteListing.Candidate(objects: [])
    for (role, digest) in closure.objects {
      let size = try closure.records.contains(digest) ? copy(ofRecord: digest) : store.size(digest)
      candidate.objects.append(.init(role: role, digest: digest, size: size))
    }
    let size = try store.put(signature.bytes).size
    candidate.objects.append(.init(role: RemoteListing.Role.signature, digest: signed, size: size))
    let sent = try send(candidate.objects.map(\.digest), progress)
    // Somebody else may have added theirs meanwhile.
    listing = try self.listing(key)
    listing.add(candidate)
    try storage.putResult(listing.actionResult.bytes, for: key)
    return .pushed(objects: sent.moved, bytes: sent.bytes)
  }

  // Records have a place of their own in the store; to a remote they are objects like others, and so they become some
  // until they are sent. The answer is the size.
  private func copy(ofRecord digest: Digest) throws(StoreError) -> Int64 {
    let bytes = try store.readRecord(digest)
    if known.withLock({ $0.there.contains(digest) }) { return Int64(bytes.count) }
    return try store.put(bytes).size
  }

  // What is no listing of ours counts as nothing, and is replaced.
  private func listing(_ key: Digest) throws(RemoteError) -> RemoteListing {
    guard let bytes = try storage.result(key), let result = ActionResult(bytes: bytes) else { return RemoteListing() }
    return RemoteListing(result)
  }

  private func isWhole(_ candidate: RemoteListing.Candidate) throws(RemoteError) -> Bool {
    let wanted = unsent(candidate.objects.map(\.digest))
    let present = wanted.isEmpty ? [] : try storage.present(wanted)
    guard wanted.allSatisfy({ present.contains($0) || $0 == .empty }) else { return false }
    remember(wanted)
    return true
  }

  // Sends what nobody else sends; then waits for the others, and sends what they could not.
  private func send(
    _ objects: [Digest], _ progress: @escaping @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    var total = TransferOutcome()
    while true {
      let rings = changed.rings
      let missing = unsent(objects)
      if missing.isEmpty { return total }
      let own = known.withLock { known in
        let own = missing.filter { !known.sending.contains($0) }
        known.sending.formUnion(own)
        return own
      }
      if own.isEmpty {
        changed.wait(after: rings)
        continue
      }
      defer {
        known.withLock { $0.sending.subtract(own) }
        changed.ring()
      }
      let outcome = try storage.push(own, from: store, progress: progress)
      if let failure = outcome.failed.min(by: { $0.key < $1.key }) { throw failure.value }
      total.moved += outcome.moved
      total.bytes += outcome.bytes
      remember(own)
    }
  }

  private func unsent(_ objects: [Digest]) -> [Digest] {
    known.withLock { known in Set(objects).subtracting(known.there).sorted() }
  }

  private func remember(_ objects: [Digest]) {
    known.withLock { known in
      if known.there.count + objects.count > Self.mostRemembered { known.there = [] }
      known.there.formUnion(objects)
    }
  }
}
