import Glibc
import RungCore
import RungEngine
import RungLedger
import RungStore
import RungTrace

/// A file or a step instance, as the user named it, in the cache that knows it.
struct TracedFile {
  let root: String
  let store: ObjectStore
  let ledger: Ledger
  private let tracer: Tracer
  private let project: ProjectOptions

  init(_ project: ProjectOptions) throws {
    (root, _) = try project.root()
    let (cache, name) = try project.cachePath()
    try MissingIndex.rebuild(cache, root: root)
    store = try ObjectStore(path: cache)
    ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    tracer = Tracer(store: store, ledger: ledger, project: name, root: root)
    self.project = project
  }

  /// What made the file of that name, or, where there is none, the instance of that name. Throws `RequestError` when it
  /// is neither.
  func trace(_ name: String) throws -> Trace {
    do {
      return access(name, F_OK) == 0 ? try tracer.trace(fileAt: name) : try tracer.trace(record: record(of: name))
    } catch let error as TraceError {
      if error.code == .cache { throw error }
      throw RequestError(message: error.message, hints: error.notes)
    }
  }

  /// The figures in the document of that name; nil when there is no such file, or when `trace` says more. Throws
  /// `RequestError` for a PDF of which nothing is known.
  func document(_ name: String) throws -> TracedDocument? {
    do {
      return access(name, F_OK) == 0 ? try tracer.document(at: name) : nil
    } catch {
      if error.code == .cache { throw error }
      throw RequestError(message: error.message, hints: error.notes)
    }
  }

  private func record(of name: String) throws -> Digest {
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
