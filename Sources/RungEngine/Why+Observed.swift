import RungCore
import RungLedger
import RungModel
import RungPlan

// What changed in the files that an execution was seen to use.
extension Session {
  /// What is not as it was when an execution was seen to use it.
  func changesSince(_ observed: Observed) -> [Why.Explained] {
    var changes: [Why.Explained] = []
    for digest in [observed.project, observed.system] {
      guard let digest, let set = checker.value.set(digest) else { continue }
      for entry in set.entries {
        let now = checker.value.now(entry, &resolver.value.files)
        guard now.kind != entry.kind || now.digest != entry.digest else { continue }
        changes.append(explained(set.scope, entry, .init(path: entry.path, kind: now.kind, digest: now.digest)))
      }
    }
    return Self.folded(changes)
  }

  /// What differs in what two executions were seen to use. Where one looked at a path and the other did not, nothing
  /// can be said of that path: only of those that both have.
  func changes(from old: Observed, to new: Observed) -> [Why.Explained] {
    var changes: [Why.Explained] = []
    for (a, b) in [(old.project, new.project), (old.system, new.system)] where a != b {
      guard let a, let b, let before = checker.value.set(a), let after = checker.value.set(b) else { continue }
      let known = Dictionary(after.entries.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
      for entry in before.entries {
        guard let now = known[entry.path], now.kind != entry.kind || now.digest != entry.digest else { continue }
        changes.append(explained(before.scope, entry, now))
      }
    }
    return Self.folded(changes)
  }

  private func explained(
    _ scope: ObservedSet.Scope, _ old: ObservedSet.Entry, _ new: ObservedSet.Entry
  ) -> Why.Explained {
    var result = Why.Explained(
      reason: Reason(
        field: "observed", name: old.path.isEmpty ? "." : old.path, old: old.kind.rawValue, new: new.kind.rawValue,
        oldDigest: old.digest, newDigest: new.digest))
    guard scope == .project, let before = old.digest, let after = new.digest,
      old.kind == .file || old.kind == .executable, new.kind == .file || new.kind == .executable,
      let a = try? store.read(before, limit: 2 << 20)
    else { return result }
    var b = try? store.read(after, limit: 2 << 20)
    if b == nil, let bytes = readFile("\(project.root)/\(old.path)"), Digest(of: bytes) == after { b = bytes }
    if let b { result.diff = LineDiff.unified(a, b) ?? [] }
    return result
  }

  // Hundreds of changed files outside the project are an upgraded machine: the first say it.
  private static func folded(_ changes: [Why.Explained]) -> [Why.Explained] {
    let outside = changes.filter { $0.reason.name.hasPrefix("/") }
    guard outside.count > 5 else { return changes }
    var result = changes.filter { !$0.reason.name.hasPrefix("/") } + outside.prefix(4)
    result.append(
      Why.Explained(
        reason: Reason(field: "observed", name: "\(outside.count - 4) more files outside the project", new: "files")))
    return result
  }
}

extension Session {
  /// The files of the project that an instance was seen to read or look at, declared ones left out; sorted. Of its last
  /// execution that could see the project; nil when there is none, or when what was seen is lost.
  public func observedFiles(of instance: BuildGraph.NodeID) -> [RelativePath]? {
    let history = (try? ledger.history(project: projectName, instance: graph.name(of: instance))) ?? []
    let records = history.lazy.compactMap { self.record($0.record) }
    guard let record = records.first(where: { $0.watch == WatchLevel.traced.rawValue && $0.trace != "off" }) else {
      return nil
    }
    guard let digest = record.observed.project else { return [] }
    guard let set = checker.value.set(digest) else { return nil }
    return set.entries.filter { $0.kind == .file || $0.kind == .executable }.compactMap { RelativePath($0.path) }
  }
}
