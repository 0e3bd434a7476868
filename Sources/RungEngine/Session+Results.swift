import RungCore
import RungLedger
import RungModel
import RungPlan

extension Session {
  /// What an instance gives now: the record of its result and its outputs. Nil when it was not surveyed or is not up to
  /// date.
  public func result(of instance: BuildGraph.NodeID) -> (record: Digest, outputs: [ActionOutput])? {
    resolver.value.results[instance].map { ($0.record, $0.outputs) }
  }

  /// What became of an instance last; nil when it has no history.
  public func lastEntry(of instance: BuildGraph.NodeID) -> HistoryEntry? { latest[graph.name(of: instance)] }

  /// What was published at a path last, current or not; nil when nothing was.
  public func lastPublished(at path: String) -> PublishedRow? { publishedRows[path] }

  /// The project's file at a path, when it has this content; nil otherwise, and for more than `limit` bytes.
  public func sourceFile(at path: RelativePath, with digest: Digest, limit: Int) -> [UInt8]? {
    guard let bytes = try? ProjectFiles.onDisk(root: project.root).read(path, limit), bytes.count <= limit,
      Digest(of: bytes) == digest
    else { return nil }
    return bytes
  }
}
