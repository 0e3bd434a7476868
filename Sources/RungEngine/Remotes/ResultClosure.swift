import RungCore
import RungLedger
import RungStore

/// All that belongs to a result: what a later run, `trace`, `show` and `verify` elsewhere need of it.
struct ResultClosure {
  /// Why a result cannot be given to others.
  struct Gone: Error {
    /// A sentence without a full stop.
    let message: String
  }

  /// The record of the execution.
  let record: Record
  /// The objects by role, each once; records are among them by their digests.
  private(set) var objects: [(role: String, digest: Digest)] = []
  /// The records among them: they are no objects of the store, but have a place of their own.
  private(set) var records: Set<Digest> = []

  private let store: ObjectStore
  private var seen: Set<Digest> = []

  /// Looks everything up in the store. The result and what it was observed to use must be there whole; of what lies
  /// behind it (`lineage`, `context`) there is as much as the store has, up to the room that a listing has.
  ///
  /// - Parameter passing: outputs that are made again when something reads them: their bytes may be gone.
  init(of digest: Digest, in store: ObjectStore, passing: Set<String> = []) throws {
    self.store = store
    guard let record = try Record(bytes: store.readRecord(digest)) else {
      throw Gone(message: "record \(digest.hex) has a format that this version does not know")
    }
    guard record.outcome == .succeeded else { throw Gone(message: "\(record.instance) did not succeed then") }
    self.record = record
    add(RemoteListing.Role.record, digest)
    records.insert(digest)
    for set in [record.observed.project, record.observed.system].compactMap(\.self) {
      guard store.contains(set) else {
        throw Gone(message: "what \(record.instance) was seen to read is not in the cache any more")
      }
      add(RemoteListing.Role.observed, set)
    }
    for output in record.outputs {
      do throws(StoreError) {
        try addOutput(output)
      } catch {
        guard error.code == .missing else { throw error }
        if passing.contains(output.name) { continue }
        throw Gone(message: "the output '\(output.name)' of \(record.instance) is not in the cache any more")
      }
    }
    try addLineage(digest, record)
  }

  private mutating func add(_ role: String, _ digest: Digest) {
    guard digest != .empty, seen.insert(digest).inserted else { return }
    objects.append((role, digest))
  }

  private mutating func addOutput(_ output: Record.Output) throws(StoreError) {
    guard output.kind == ActionOutput.Kind.tree.name else {
      guard store.contains(output.digest) else { throw StoreError(.missing, output.name) }
      return add(RemoteListing.Role.output, output.digest)
    }
    var parts: [Digest] = []
    guard try collect(output.digest, &parts) else { throw StoreError(.missing, output.name) }
    for part in parts { add(RemoteListing.Role.output, part) }
  }

  // The manifest of a folder and all that is in it; false when something is not there.
  private func collect(_ tree: Digest, _ parts: inout [Digest]) throws(StoreError) -> Bool {
    var open = [tree]
    var known: Set<Digest> = []
    while let digest = open.popLast() {
      guard known.insert(digest).inserted else { continue }
      guard store.contains(digest) else { return false }
      parts.append(digest)
      for entry in try store.tree(digest).entries {
        switch entry.kind {
        case .directory(let inner, _): open.append(inner)
        case .link: break
        case .file(let content, _, _):
          guard known.insert(content).inserted else { continue }
          guard store.contains(content) else { return false }
          parts.append(content)
        }
      }
    }
    return true
  }

  // Breadth first, so that what is nearest is there when there is no room for all.
  private mutating func addLineage(_ digest: Digest, _ record: Record) throws(StoreError) {
    var holdings = RecordHoldings(store: store)
    var open: [Digest] = []
    var asked: Set<Digest> = [digest]
    var members: Set<Digest> = []
    func follow(_ record: Record) throws(StoreError) {
      try holdings.add(record)
      var next = [record.runRecord].compactMap(\.self)
      for input in record.inputs {
        if case .step(_, _, let maker) = input.source { next.append(maker) }
        if case .collection(let list, _) = input.source, members.insert(list).inserted {
          next += holdings.members[list] ?? []
        }
      }
      for digest in next where asked.insert(digest).inserted { open.append(digest) }
    }
    try follow(record)
    var place = 0
    while place < open.count, objects.count + place < RemoteListing.mostObjects / 2 {
      let digest = open[place]
      place += 1
      let bytes: [UInt8]
      do throws(StoreError) {
        bytes = try store.readRecord(digest)
      } catch {
        if error.code == .missing || error.code == .damaged { continue }
        throw error
      }
      if let record = Record(bytes: bytes) {
        try follow(record)
      } else if let run = RunRecord(bytes: bytes) {
        holdings.add(run)
      } else {
        continue
      }
      add(RemoteListing.Role.lineage, digest)
      records.insert(digest)
    }
    var context = holdings.objects.sorted()
    for tree in holdings.trees.sorted() {
      var parts: [Digest] = []
      // A folder of which a file is gone is of no use.
      if try collect(tree, &parts) { context += parts }
    }
    for digest in context where objects.count < RemoteListing.mostObjects - 16 && store.contains(digest) {
      add(RemoteListing.Role.context, digest)
    }
  }
}
