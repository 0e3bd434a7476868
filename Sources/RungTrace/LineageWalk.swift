import RungCore
import RungLedger
import RungStore

extension Lineage {
  /// The lineage of one or more executions. Reads each record, each collection and each observed set once, without
  /// recursion, and keeps memory in proportion to their number. Never fails: what cannot be read is in `incomplete`.
  ///
  /// - Parameter lookingForOutputs: whether `gone` is found out; otherwise it is empty.
  public static func of(records roots: [Digest], store: ObjectStore, lookingForOutputs: Bool = true) -> Lineage {
    let read = { () -> (Set<Digest>, LineageWalk) in
      var walk = LineageWalk(store: store)
      walk.prefetch(roots)
      let outputs = lookingForOutputs ? walk.outputsAhead : []
      return Parallel.both({ outputs.filter { !store.hasObject($0) } }) {
        walk.visit(roots)
        walk.checkAgreement()
        return walk
      }
    }
    // Together when that can be had: it is cheaper, and nothing else.
    let (gone, walk) = (try? store.together(read)) ?? read()
    return Lineage(
      roots: roots, executions: walk.executions, collections: walk.collections, observed: walk.observed,
      incomplete: walk.gaps, gone: gone)
  }
}

// A depth-first walk with a stack of its own. Collections are nodes too: a thousand readers of one of a thousand members
// cost two thousand visits, not a million.
private struct LineageWalk {
  private enum Visit {
    case record(Digest, neededBy: String?)
    case collection(Digest, neededBy: String)
    // All that it needs has been visited.
    case done(Lineage.Execution)
  }

  let store: ObjectStore
  private(set) var executions: [Lineage.Execution] = []
  private(set) var collections: [Digest: RungLedger.Collection] = [:]
  private(set) var observed = ObservedFiles()
  private(set) var gaps: [Lineage.Gap] = []
  private var seenRecords: Set<Digest> = []
  private var seenCollections: Set<Digest> = []
  private var seenSets: Set<Digest> = []
  private var listings: [Digest: FileListing] = [:]
  // What was read ahead. A damaged object can be read once only: then it is set aside.
  private var ahead: [Digest: Found<Record>] = [:]
  private var collectionsAhead: [Digest: Found<RungLedger.Collection>] = [:]

  private enum Found<Value: Sendable>: Sendable {
    case value(Value)
    // Why it cannot be read.
    case lost(String)
  }

  // Far more than a collection of a million members, or a set of a million files, takes, in bytes.
  private static let largest: Int64 = 1 << 30

  init(store: ObjectStore) { self.store = store }

  /// Reads what a visit will ask for, a generation at a time on all processors.
  mutating func prefetch(_ roots: [Digest]) {
    let store = store
    var seen: Set<Digest> = []
    var generation = roots.filter { seen.insert($0).inserted }
    while !generation.isEmpty {
      let records = Parallel.map(generation) { Self.record($0, store) }
      var next: [Digest] = []
      for (digest, found) in zip(generation, records) {
        ahead[digest] = found
        guard case .value(let record) = found else { continue }
        for input in record.inputs {
          switch input.source {
          case .project, .files: break
          case .step(_, _, let maker): if seen.insert(maker).inserted { next.append(maker) }
          case .collection(let object, _):
            guard seen.insert(object).inserted else { continue }
            let found = Self.collection(object, store)
            collectionsAhead[object] = found
            guard case .value(let collection) = found else { continue }
            for member in collection.members where seen.insert(member.record).inserted { next.append(member.record) }
          }
        }
      }
      generation = next
    }
  }

  /// What the records that were read ahead say they made.
  var outputsAhead: Set<Digest> {
    var result: Set<Digest> = []
    for case .value(let record) in ahead.values { for output in record.outputs { result.insert(output.digest) } }
    return result
  }

  mutating func visit(_ roots: [Digest]) {
    var stack = roots.reversed().map { Visit.record($0, neededBy: nil) }
    while let next = stack.popLast() {
      switch next {
      case .record(let digest, let reader):
        guard seenRecords.insert(digest).inserted, let execution = read(digest, reader) else { continue }
        stack.append(.done(execution))
        readSet(execution.record.observed.project, .project, execution.record.instance)
        readSet(execution.record.observed.system, .system, execution.record.instance)
        for input in execution.record.inputs.reversed() {
          switch input.source {
          case .project, .files: break
          case .step(_, _, let record): stack.append(.record(record, neededBy: execution.record.instance))
          case .collection(let members, _):
            stack.append(.collection(members, neededBy: execution.record.instance))
          }
        }
      case .collection(let digest, let reader):
        guard seenCollections.insert(digest).inserted, let collection = readCollection(digest, reader) else {
          continue
        }
        collections[digest] = collection
        for member in collection.members.reversed() { stack.append(.record(member.record, neededBy: reader)) }
      case .done(let execution): executions.append(execution)
      }
    }
  }

  private mutating func read(_ digest: Digest, _ reader: String?) -> Lineage.Execution? {
    if digest == .empty {
      gaps.append(.init(digest: digest, neededBy: reader, message: "the record of what it read was not known"))
      return nil
    }
    var record: Record
    switch ahead.removeValue(forKey: digest) ?? Self.record(digest, store) {
    case .value(let found): record = found
    case .lost(let message):
      gaps.append(.init(digest: digest, neededBy: reader, message: message))
      return nil
    }
    if record.inputs.contains(where: { $0.source == .files }) {
      record.inputs = record.inputs.flatMap { input in
        input.source == .files ? files(of: input, record.instance) : [input]
      }
    }
    let command = record.fields.first { $0.kind == "command" }?.value
    record.fields = []
    return Lineage.Execution(digest: digest, record: record, declaredCommand: command)
  }

  private static func record(_ digest: Digest, _ store: ObjectStore) -> Found<Record> {
    do throws(StoreError) {
      if let record = Record(bytes: try store.readRecord(digest), onlyCommandField: true) { return .value(record) }
      return .lost("record \(digest.hex) has a format that this version does not know")
    } catch {
      return .lost(error.message)
    }
  }

  private static func collection(_ digest: Digest, _ store: ObjectStore) -> Found<RungLedger.Collection> {
    do throws(StoreError) {
      if let collection = RungLedger.Collection(bytes: try store.read(digest, limit: largest)) {
        return .value(collection)
      }
      return .lost("object \(digest.hex) is not a collection")
    } catch {
      return .lost(error.message)
    }
  }

  // The files behind a glob, one input each; the input itself when the list is lost.
  private mutating func files(of input: Record.Input, _ reader: String) -> [Record.Input] {
    let known = listings[input.digest]
    let listing: FileListing?
    do throws(StoreError) {
      if let known {
        listing = known
      } else {
        listing = FileListing(bytes: try store.read(input.digest, limit: Self.largest))
      }
    } catch {
      gaps.append(.init(digest: input.digest, neededBy: reader, message: error.message))
      return [input]
    }
    guard let listing else {
      gaps.append(
        .init(digest: input.digest, neededBy: reader, message: "object \(input.digest.hex) is not a list of files"))
      return [input]
    }
    listings[input.digest] = listing
    return listing.files.map { file in
      Record.Input(
        name: input.name, path: file.path, kind: file.executable ? "executable" : "file", digest: file.digest,
        source: .project(path: file.path))
    }
  }

  private mutating func readCollection(_ digest: Digest, _ reader: String) -> RungLedger.Collection? {
    switch collectionsAhead.removeValue(forKey: digest) ?? Self.collection(digest, store) {
    case .value(let collection): return collection
    case .lost(let message):
      gaps.append(.init(digest: digest, neededBy: reader, message: message))
      return nil
    }
  }

  private mutating func readSet(_ digest: Digest?, _ scope: ObservedSet.Scope, _ reader: String) {
    guard let digest, seenSets.insert(digest).inserted else { return }
    do throws(StoreError) {
      if let set = ObservedSet(bytes: try store.read(digest, limit: Self.largest)), set.scope == scope {
        observed.add(set, digest)
        return
      }
      gaps.append(
        .init(
          digest: digest, neededBy: reader,
          message: "object \(digest.hex) is not a set of files of the \(scope.rawValue) that it was observed to read"))
    } catch {
      gaps.append(.init(digest: digest, neededBy: reader, message: error.message))
    }
  }

  // What a reader says it read must be what the maker's record says it made.
  mutating func checkAgreement() {
    var outputs: [Digest: [Record.Output]] = [:]
    for execution in executions { outputs[execution.digest] = execution.record.outputs }
    func makes(_ record: Digest, _ name: String, _ content: Digest) -> Bool {
      guard let made = outputs[record] else { return true }  // a gap already
      return made.contains { $0.name == name && $0.digest == content }
    }
    var content: [Digest: Digest] = [:]
    for (digest, collection) in collections.sorted(by: { $0.key < $1.key }) {
      content[digest] = collection.contentDigest
      for member in collection.members where !makes(member.record, collection.output, member.digest) {
        gaps.append(
          .init(
            digest: member.record, neededBy: nil,
            message: "a collection has another content of '\(collection.output)' of \(member.instance) than its record"
          ))
      }
    }
    for execution in executions {
      for input in execution.record.inputs {
        switch input.source {
        case .project, .files: continue
        case .step(let instance, let output, let record):
          if makes(record, output, input.digest) { continue }
          gaps.append(
            .init(
              digest: record, neededBy: execution.record.instance,
              message: "it read another content of '\(output)' of \(instance) than the record of its making has"))
        case .collection(let members, _):
          guard let known = content[members], known != input.digest else { continue }
          gaps.append(
            .init(
              digest: members, neededBy: execution.record.instance,
              message: "the collection kept for its input '\(input.name)' is not the one it read"))
        }
      }
    }
  }
}
