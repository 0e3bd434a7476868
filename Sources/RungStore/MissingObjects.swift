import RungCore

/// Finds which objects are not there to make up given outputs. Remembers what it saw, because outputs share objects and
/// folders; so one value is for one look at the cache.
public struct MissingObjects {
  private let store: ObjectStore
  private var files: [Digest: Bool] = [:]
  private var folders: [Digest: Set<Digest>] = [:]

  /// A look at the cache of `store`.
  public init(in store: ObjectStore) { self.store = store }

  /// The objects that are missing of an output, itself or, of a folder (`isTree`), its manifests and files at any depth.
  /// Empty when nothing is. What is there is not read, except manifests: a damaged one counts as missing, and is set
  /// aside.
  public mutating func missing(of digest: Digest, isTree: Bool) -> Set<Digest> {
    isTree ? missing(ofTree: digest) : isThere(digest) ? [] : [digest]
  }

  private mutating func isThere(_ digest: Digest) -> Bool {
    if let known = files[digest] { return known }
    let result = store.contains(digest)
    files[digest] = result
    return result
  }

  private mutating func missing(ofTree digest: Digest) -> Set<Digest> {
    if let known = folders[digest] { return known }
    var result: Set<Digest> = []
    if isThere(digest), let manifest = try? store.tree(digest) {
      for entry in manifest.entries {
        switch entry.kind {
        case .file(let file, _, _): if !isThere(file) { result.insert(file) }
        case .directory(let folder, _): result.formUnion(missing(ofTree: folder))
        case .link: break
        }
      }
    } else {
      result = [digest]
    }
    folders[digest] = result
    return result
  }
}
