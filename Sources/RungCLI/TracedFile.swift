import Glibc
import RungCore
import RungEngine
import RungLedger
import RungStore
import RungTrace

/// A file, or a step instance, that was traced for a command.
struct TracedFile {
  let root: String
  let store: ObjectStore
  let ledger: Ledger
  let trace: Trace

  /// Traces a file that lies anywhere, else the result that an instance of that name has now. Throws `RequestError` when
  /// there is neither.
  static func find(_ file: String, _ project: ProjectOptions) throws -> TracedFile {
    let (root, _) = try project.root()
    let (cache, name) = try project.cachePath()
    try MissingIndex.rebuild(cache, root: root)
    let store = try ObjectStore(path: cache)
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    let tracer = Tracer(store: store, ledger: ledger, project: name, root: root)
    do {
      let trace =
        access(file, F_OK) == 0
        ? try tracer.trace(fileAt: file) : try tracer.trace(record: try record(of: file, project))
      return TracedFile(root: root, store: store, ledger: ledger, trace: trace)
    } catch let error as TraceError {
      if error.code == .cache { throw error }
      throw RequestError(message: error.message, hints: error.notes)
    }
  }

  // What the instance of that name has now: a name is as good as a file.
  private static func record(of name: String, _ project: ProjectOptions) throws -> Digest {
    guard let (session, place) = try? project.open(ingesting: false) else {
      throw RequestError(message: "there is no file '\(name)'")
    }
    guard let instances = try? session.targets.instances(ProjectOptions.targets([name], in: session), from: place)
    else {
      throw RequestError(message: "there is no file and no step called '\(name)'")
    }
    guard instances.count == 1 else {
      throw RequestError(
        message: "'\(name)' has \(instances.count) instances",
        hints: ["name one of them, for example '\(session.graph.name(of: instances[0]))'"])
    }
    guard let last = session.lastRecord(of: instances[0]), !last.record.outputs.isEmpty else {
      throw RequestError(message: "'\(name)' has no result yet", hints: ["`rung run '\(name)'` makes it"])
    }
    return last.digest
  }
}
