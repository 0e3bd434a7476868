import RungCore
import RungLedger
import RungStore

/// Every stored thing on the way to some results, read and hashed again.
public struct Inspection: Sendable {
  /// Records that were read.
  public private(set) var records = 0
  /// Objects that were read: results, sources, lists, what was printed.
  public private(set) var objects = 0
  /// In bytes, before compression.
  public private(set) var bytes: Int64 = 0
  /// What is damaged or contradictory, a sentence each.
  public private(set) var problems: [String] = []
  /// Results whose bytes are not in the cache any more; their records are.
  public private(set) var gone = 0
  /// Sources whose bytes the cache does not have: small ones are kept when they are read, others when a step wants them.
  public private(set) var unkept = 0

  /// Reads everything that a lineage names. What is damaged is set aside by the store, so that the next run makes it
  /// again.
  public static func of(_ lineage: Lineage, store: ObjectStore) -> Inspection {
    var inspection = Inspection()
    inspection.records = lineage.executions.count
    inspection.problems = lineage.incomplete.map(\.message)
    var seen: Set<Digest> = []
    var seenSets: Set<Digest> = []
    for execution in lineage.executions {
      let record = execution.record
      for output in record.outputs {
        inspection.look(
          output.digest, isTree: output.kind == "tree", what: "\(record.instance): its output '\(output.name)'",
          isResult: true, store, &seen)
      }
      for input in record.inputs {
        guard case .project(let path) = input.source else { continue }
        inspection.look(
          input.digest, isTree: input.kind == "tree", what: "the source \(path)", isResult: false, store, &seen)
      }
      if let environment = record.environment {
        inspection.look(
          environment.lock, isTree: false, what: "the lock file \(environment.lockPath)", isResult: false, store, &seen)
      }
      if let set = record.observed.project, seenSets.insert(set).inserted {
        for file in lineage.observed.files(of: set) {
          inspection.look(
            file.digest, isTree: false, what: "the source \(file.path)", isResult: false, store, &seen)
        }
      }
      for digest in [record.log, record.observed.project, record.observed.system] {
        guard let digest else { continue }
        inspection.look(digest, isTree: false, what: "\(record.instance): its notes", isResult: false, store, &seen)
      }
    }
    return inspection
  }

  private mutating func look(
    _ digest: Digest, isTree: Bool, what: String, isResult: Bool, _ store: ObjectStore, _ seen: inout Set<Digest>
  ) {
    var stack = [(digest, isTree)]
    while let (digest, isTree) = stack.popLast() {
      guard seen.insert(digest).inserted else { continue }
      guard store.contains(digest) else {
        if isResult { gone += 1 } else { unkept += 1 }
        continue
      }
      do throws(StoreError) {
        bytes += try store.verify(digest)
        objects += 1
        guard isTree else { continue }
        for entry in try store.tree(digest).entries {
          switch entry.kind {
          case .file(let digest, _, _): stack.append((digest, false))
          case .directory(let digest, _): stack.append((digest, true))
          case .link: break
          }
        }
      } catch {
        problems.append("\(what): \(error.message)")
      }
    }
  }

  /// The result in a sentence.
  public var sentence: String {
    var text = "\(records) records and \(objects) objects (\(ByteCount(bytes: bytes))) were read and hashed again"
    text += problems.isEmpty ? ": all are what they are said to be" : ": \(problems.count) are not"
    if gone > 0 { text += "; \(gone) results are not in the cache any more" }
    return text
  }

  /// For programs.
  public var json: JSON {
    [
      "records": .int(records), "objects": .int(objects), "bytes": .int(bytes), "gone": .int(gone),
      "unkept": .int(unkept), "problems": .array(problems.map { .string($0) }),
    ]
  }
}
