import Glibc
import RungCore
import RungStore

extension Crate {
  /// Writes the crate into a folder, which must exist and be empty: the payload, each file verified while it is written,
  /// then `ro-crate-metadata.json`, so that a folder that has it is whole. Writes nowhere else. On an error, what was
  /// written so far is left; nothing is synchronised.
  public func write(to folder: String, from store: ObjectStore) throws {
    var made: Set<RelativePath> = [.root]
    for item in payload {
      try Self.makeFolders(item.path.parent, in: folder, &made)
      let place = item.path.absolute(in: folder)
      if item.kind == "tree" {
        try store.restoreTree(item.digest, to: place)
      } else {
        try store.restore(item.digest, to: place, executable: item.kind == "executable")
      }
    }
    let name = "\(folder)/\(Self.metadataName)"
    guard let file = fopen(name, "wxe") else { throw Self.failure(name) }
    let bytes = Array(metadata.pretty.utf8) + [10]
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw Self.failure(name) }
  }

  private static func makeFolders(_ path: RelativePath, in folder: String, _ made: inout Set<RelativePath>) throws {
    if made.contains(path) { return }
    try makeFolders(path.parent, in: folder, &made)
    let place = path.absolute(in: folder)
    guard mkdir(place, 0o755) == 0 else { throw failure(place) }
    made.insert(path)
  }

  private static func failure(_ path: String) -> TraceError {
    TraceError(.unwritable, "cannot write \(path): \(String(cString: strerror(errno)))")
  }
}
