import RungCore

// So that whoever has once looked whether objects are there need not look again while nothing was taken away.
extension ObjectStore {
  /// A text that changes whenever something was taken out of the packs, by anybody; nil where that is not counted. What is
  /// taken away by hand is not counted either: see `holders`.
  public func removals() -> String? { index.removals() }

  /// The same of a cache that need not be opened for more.
  public static func removals(inCache path: String) -> String? { PackIndex.removals(inCache: path) }

  /// Leaves the index as the next program reads it quickest. For the end of work that wrote a lot.
  public func settle() { index.settle() }

  /// The files, by path from the cache's folder, without which some of these would not be there: all packs, and those of
  /// objects and records that lie in files of their own. Nil when one of them is not there now.
  public func holders(of objects: Set<Digest>, records: Set<Digest>) throws(StoreError) -> Set<String>? {
    var files: Set<String> = []
    for (digests, kind) in [(objects, Kind.object), (records, Kind.record)] {
      for digest in digests where kind == .record || digest != .empty {
        let name = Name(kind: kind, digest: digest)
        if try index.find(name) != nil { continue }
        guard let form = try looseForm(name) else { return nil }
        files.insert(name.path(form))
      }
    }
    for (pack, kind) in try index.packKinds() { files.insert(PackFile.path(pack, kind)) }
    return files
  }
}
