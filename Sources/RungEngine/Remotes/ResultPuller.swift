import RungCore
import RungFormats
import RungLedger
import RungRemote
import RungSign
import RungStore

/// Takes results from one remote. Nothing that it says is believed: a result counts when somebody who is trusted has signed
/// it, its record is one of a success under just this key, and everything that it names is there and has the bytes that it
/// should have. Used from several threads.
final class ResultPuller: Sendable {
  /// A result that may be taken: signed, and about the key.
  struct Offer: Sendable {
    let key: Digest
    let digest: Digest
    let record: Record
    let bytes: [UInt8]
    let signature: ResultSignature
    /// Everything that the remote names with it.
    let objects: [Digest]
  }

  /// A result that is not taken, and why.
  enum Refusal: Sendable, Hashable {
    /// What lies under the key is no listing.
    case garbled
    /// Nobody has signed it.
    case unsigned
    /// A signature does not fit: something was changed after it was made.
    case forged
    /// Signed by somebody who is not trusted: the key's id, and what they call themselves.
    case untrusted(id: String, by: String)
    /// The record says something else than what was asked for.
    case other
    /// An object that it names is not there.
    case incomplete(Digest)
    /// An object has other bytes than its name says.
    case damaged(Digest)
  }

  /// The answer to a question for a key.
  struct Answer: Sendable {
    /// The newest first.
    var offers: [Offer] = []
    var refusals: [Refusal] = []
  }

  private let storage: any RemoteStorage
  private let store: ObjectStore
  private let trust: Trust
  // Far more than a record of ten thousand inputs takes.
  private static let largestRecord: Int64 = 256 << 20

  init(_ storage: any RemoteStorage, store: ObjectStore, trust: Trust) {
    self.storage = storage
    self.store = store
    self.trust = trust
  }

  /// Asks what is known under a key: the offers have their signatures checked, and their observed sets are in the store.
  func ask(_ key: Digest) throws -> Answer {
    guard let bytes = try storage.result(key) else { return Answer() }
    guard let result = ActionResult(bytes: bytes) else { return Answer(refusals: [.garbled]) }
    let listing = RemoteListing(result)
    guard !listing.candidates.isEmpty || result.files.isEmpty else { return Answer(refusals: [.garbled]) }
    var answer = Answer()
    for candidate in listing.candidates.prefix(RemoteListing.most) {
      switch try look(candidate, key) {
      case .success(let offer): answer.offers.append(offer)
      case .failure(let refusal): answer.refusals.append(refusal.refusal)
      }
    }
    answer.offers.sort { ($0.record.started, $0.digest) > ($1.record.started, $1.digest) }
    return answer
  }

  private struct Refused: Error { let refusal: Refusal }

  private func look(_ candidate: RemoteListing.Candidate, _ key: Digest) throws -> Result<Offer, Refused> {
    guard let digest = candidate.record else { return .failure(Refused(refusal: .garbled)) }
    let signatures = candidate.all(RemoteListing.Role.signature).filter { $0.size <= ResultSignature.largest }
    guard !signatures.isEmpty else { return .failure(Refused(refusal: .unsigned)) }
    guard candidate.objects.first(where: { $0.digest == digest })?.size ?? 0 <= Self.largestRecord else {
      return .failure(Refused(refusal: .other))
    }
    let small = [digest] + signatures.prefix(RemoteListing.mostSignatures).map(\.digest)
    if let refusal = try pull(small) { return .failure(Refused(refusal: refusal)) }
    var refusal = Refusal.forged
    var vouched: ResultSignature?
    for object in signatures.prefix(RemoteListing.mostSignatures) where vouched == nil {
      guard let signature = ResultSignature(bytes: try store.read(object.digest, limit: ResultSignature.largest)),
        signature.key == key, signature.record == digest, signature.isGenuine
      else { continue }
      if trust.accepts(signature.publicKey) {
        vouched = signature
      } else {
        refusal = .untrusted(id: signature.publicKey.id, by: signature.by)
      }
    }
    guard let vouched else { return .failure(Refused(refusal: refusal)) }
    let bytes = try store.read(digest, limit: Self.largestRecord)
    guard let record = Record(bytes: bytes), record.key == key, record.outcome == .succeeded,
      record.outputs.allSatisfy({ ActionOutput.Kind(name: $0.kind) != nil })
    else { return .failure(Refused(refusal: .other)) }
    let sets = [record.observed.project, record.observed.system].compactMap(\.self)
    if let refusal = try pull(sets) { return .failure(Refused(refusal: refusal)) }
    return .success(
      Offer(
        key: key, digest: digest, record: record, bytes: bytes, signature: vouched,
        objects: candidate.objects.map(\.digest)))
  }

  /// Takes a result: all objects, each checked, and the records behind it. Nothing of it is known to the ledger yet, and
  /// nothing is durable before the next flush. The refusal is why it does not count.
  func take(
    _ offer: Offer, passing: Set<String> = [],
    progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
  ) throws -> (taken: FetchedResult?, refusal: Refusal?) {
    if let refusal = try pull(offer.objects, progress) { return (nil, refusal) }
    let outputs = offer.record.outputs.compactMap { output in
      ActionOutput.Kind(name: output.kind).map {
        ActionOutput(name: output.name, kind: $0, digest: output.digest, size: output.size)
      }
    }
    for output in outputs where !passing.contains(output.name) && !store.holds(output) {
      if let refusal = try pullOutputs([output], progress) { return (nil, refusal) }
    }
    try store.putRecord(offer.bytes)
    return (FetchedResult(offer, outputs, lineage: try takeLineage(offer.record)), nil)
  }

  /// Takes the bytes of outputs whose digests are known from elsewhere, the files of folders included.
  func pullOutputs(
    _ outputs: [ActionOutput], _ progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
  ) throws -> Refusal? {
    if let refusal = try pull(outputs.map(\.digest), progress) { return refusal }
    var open = outputs.filter { $0.kind == .tree }.map(\.digest)
    var seen: Set<Digest> = []
    while !open.isEmpty {
      var folders: [Digest] = []
      var files: [Digest] = []
      for tree in open where seen.insert(tree).inserted {
        for entry in try store.tree(tree).entries {
          switch entry.kind {
          case .directory(let digest, _): folders.append(digest)
          case .file(let digest, _, _): files.append(digest)
          case .link: break
          }
        }
      }
      if let refusal = try pull(folders + files, progress) { return refusal }
      open = folders
    }
    return outputs.allSatisfy(store.holds) ? nil : .incomplete(outputs.first?.digest ?? .empty)
  }

  // Records that the record names, and so on, as far as they came along: only these, for everything else that a remote
  // calls a record could be one that nobody has vouched for.
  private func takeLineage(_ record: Record) throws -> [(digest: Digest, record: Record)] {
    var taken: [(digest: Digest, record: Record)] = []
    var open = [record]
    var seen: Set<Digest> = []
    func take(_ digest: Digest) throws {
      guard seen.insert(digest).inserted else { return }
      let isKnown = store.hasRecord(digest)
      let bytes: [UInt8]
      if isKnown {
        bytes = try store.readRecord(digest)
      } else {
        guard store.hasObject(digest) else { return }
        bytes = try store.read(digest, limit: Self.largestRecord)
      }
      if let record = Record(bytes: bytes) {
        open.append(record)
        if !isKnown { taken.append((digest, record)) }
      } else if RunRecord(bytes: bytes) == nil {
        return
      }
      if !isKnown { try store.putRecord(bytes) }
    }
    while let record = open.popLast() {
      if let run = record.runRecord { try take(run) }
      for input in record.inputs {
        switch input.source {
        case .step(_, _, let maker): try take(maker)
        case .collection(let list, _):
          guard seen.insert(list).inserted, store.hasObject(list),
            let members = RungLedger.Collection(bytes: try store.read(list, limit: 1 << 30))
          else { continue }
          for member in members.members { try take(member.record) }
        case .project, .files: break
        }
      }
    }
    return taken
  }

  private func pull(
    _ objects: [Digest], _ progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
  ) throws -> Refusal? {
    let wanted = Set(objects).filter { !store.contains($0) }.sorted()
    guard !wanted.isEmpty else { return nil }
    let outcome = try storage.pull(wanted, into: store, progress: progress)
    for (digest, error) in outcome.failed.sorted(by: { $0.key < $1.key }) {
      switch error.kind {
      case .damaged: return .damaged(digest)
      case .missing: return .incomplete(digest)
      default: throw error
      }
    }
    // A remote may say that all went well.
    return wanted.first { !store.contains($0) }.map { .incomplete($0) }
  }
}
