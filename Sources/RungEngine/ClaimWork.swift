import Glibc
import RungClaims
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

extension StepWorker {
  /// Judges the claims of a pipeline: no process is started, and what was judged is stored like the output of any step.
  ///
  /// A claim that cannot be judged is a verdict; what cannot be read from the cache is the machine's fault.
  func judge(_ claims: [Claim], _ work: StepWork) -> StepResult {
    let started = Clock.now()
    var result = StepResult(end: .exited(0), startedAt: started)
    do throws(StoreError) {
      var evidence: [String: Evidence] = [:]
      let compared = Set(
        claims.flatMap { claim -> [String] in
          if case .comparison = claim.test { claim.outputs.map(\.source) } else { [] }
        })
      for input in work.collections where compared.contains(input.name) { evidence[input.name] = try read(input) }
      let verdicts = claims.map { claim in
        switch claim.test {
        case .comparison(let comparison): Judge.verdict(on: claim, comparison, evidence: evidence)
        case .independence(let independence): judge(claim, independence, work)
        }
      }
      let list = JSON.array(verdicts.map { $0.json(pipeline: work.pipelineName) })
      let bytes = Array((list.pretty + "\n").utf8)
      result.outputs = try work.outputs.map { output throws(StoreError) in
        ProducedOutput(
          name: output.name, path: output.path, digest: try store.put(bytes).digest, size: Int64(bytes.count),
          isDirectory: false, executable: false)
      }
      for verdict in verdicts where !verdict.isAsExpected {
        notify(.claim(pipeline: work.pipelineName, verdict: verdict))
      }
    } catch {
      result.end = .notStarted(error.message)
      result.isMachineFault = true
    }
    result.duration = TimeSpan(nanoseconds: max(0, Clock.now() - started))
    return result
  }

  private func read(_ input: StepWork.CollectedInput) throws(StoreError) -> Evidence {
    var members: [Evidence.Member] = []
    for member in input.members {
      let document: Evidence.Member.Document
      if member.output.kind == .tree {
        document = .unreadable("it is a folder")
      } else if member.output.size > Self.largest {
        document = .unreadable("it is larger than \(ByteCount(bytes: Self.largest)); claims want a summary of it")
      } else {
        let bytes = try store.read(member.output.digest, limit: Self.largest)
        do {
          document = .value(try JSON(parsing: bytes))
        } catch {
          document = .unreadable("it is no JSON: \(error)")
        }
      }
      members.append(Evidence.Member(values: member.values, document: document))
    }
    return Evidence(axes: input.axes, members: members)
  }

  private static var largest: Int64 { 64 << 20 }

  // MARK: independence

  // Each result is examined against what it must not have seen: of an output, the instances with the same labels on the
  // axes that both have.
  private func judge(_ claim: Claim, _ independence: Claim.Independence, _ work: StepWork) -> Verdict {
    guard let results = work.collections.first(where: { $0.name == independence.result.source }) else {
      return Judge.verdict(on: claim, leaks: [], problem: "nothing is known of \(independence.result.source)")
    }
    var leaks: [String] = []
    var walk = UseWalk(store: store)
    for (index, result) in results.members.enumerated() {
      let made = results.collection.members[index]
      var wanted: Set<Digest> = []
      var path: String?
      switch independence.subject {
      case .file(let file): path = file.text
      case .output(let output):
        guard let subjects = work.collections.first(where: { $0.name == output.source }) else { continue }
        for subject in subjects.members {
          let isMatched = zip(subjects.axes, subject.values).allSatisfy { axis, value in
            guard let own = results.axes.firstIndex(where: { $0.name == axis.name }) else { return true }
            return result.values[own].label == value.label
          }
          if isMatched { wanted.insert(subject.output.digest) }
        }
      }
      switch walk.firstUse(of: wanted, path: path, in: made.record) {
      case .none: break
      case .found(let sentence): leaks.append("\(made.instance): \(sentence)")
      case .unknown(let problem): return Judge.verdict(on: claim, leaks: [], problem: problem)
      }
      // One is enough, and the rest of a large sweep would say the same.
      if !leaks.isEmpty { break }
    }
    return Judge.verdict(on: claim, leaks: leaks)
  }
}

/// Looks through the records that lead to a result for the use of a content or a file.
private struct UseWalk {
  let store: ObjectStore
  // What was found of a record, for all instances that share it.
  private var records: [Digest: Record] = [:]
  private var sets: [Digest: ObservedSet] = [:]
  private var collections: [Digest: RungLedger.Collection] = [:]

  enum Finding {
    case none
    case found(String)
    case unknown(String)
  }

  init(store: ObjectStore) { self.store = store }

  mutating func firstUse(of contents: Set<Digest>, path: String?, in start: Digest) -> Finding {
    var open = [start]
    var seen: Set<Digest> = [start]
    while let next = open.popLast() {
      guard let record = record(next) else {
        return .unknown("the record \(next.short), on the way to the result, is gone from the cache")
      }
      guard record.trace == "complete" || record.watch == WatchLevel.strict.rawValue else {
        return .unknown(
          "\(record.instance) was not watched while it ran (\(record.watch), trace \(record.trace)), so nobody knows what it read"
        )
      }
      var more: [Digest] = []
      for input in record.inputs {
        switch input.source {
        case .project(let file):
          if contents.contains(input.digest) || path.map({ isSame($0, file) }) == true {
            return .found("\(record.instance) reads \(file)")
          }
        case .files:
          guard let listing = (try? store.read(input.digest, limit: 1 << 28)).flatMap(FileListing.init(bytes:)) else {
            return .unknown("a list of files that \(record.instance) read is gone from the cache")
          }
          if let file = listing.files.first(where: { contents.contains($0.digest) || $0.path == path }) {
            return .found("\(record.instance) reads \(file.path)")
          }
        case .step(let instance, let output, let maker):
          if contents.contains(input.digest) { return .found("\(record.instance) reads '\(output)' of \(instance)") }
          more.append(maker)
        case .collection(let members, _):
          guard let collection = collection(members) else {
            return .unknown("a collection that \(record.instance) read is gone from the cache")
          }
          if let member = collection.members.first(where: { contents.contains($0.digest) }) {
            return .found("\(record.instance) reads '\(collection.output)' of \(member.instance)")
          }
          more += collection.members.map(\.record)
        }
      }
      for digest in [record.observed.project, record.observed.system].compactMap({ $0 }) {
        guard let set = set(digest) else {
          return .unknown("what \(record.instance) was observed to read is gone from the cache")
        }
        if let entry = set.entries.first(where: { entry in
          entry.digest.map(contents.contains) == true && (entry.kind == .file || entry.kind == .executable)
            || set.scope == .project && entry.path == path && entry.kind != .absent
        }) {
          return .found("\(record.instance) was seen to read \(entry.path)")
        }
      }
      for maker in more where seen.insert(maker).inserted { open.append(maker) }
    }
    return .none
  }

  // A folder that is an input holds the file.
  private func isSame(_ path: String, _ input: String) -> Bool { path == input || path.hasPrefix(input + "/") }

  private mutating func record(_ digest: Digest) -> Record? {
    if let known = records[digest] { return known }
    let found = (try? store.readRecord(digest)).flatMap(Record.init(bytes:))
    records[digest] = found
    return found
  }

  private mutating func set(_ digest: Digest) -> ObservedSet? {
    if let known = sets[digest] { return known }
    let found = (try? store.read(digest, limit: 1 << 28)).flatMap(ObservedSet.init(bytes:))
    sets[digest] = found
    return found
  }

  private mutating func collection(_ digest: Digest) -> RungLedger.Collection? {
    if let known = collections[digest] { return known }
    let found = (try? store.read(digest, limit: 1 << 28)).flatMap(RungLedger.Collection.init(bytes:))
    collections[digest] = found
    return found
  }
}
