import RungCore
import RungLedger
import RungStore

extension ObjectStore {
  /// Whether all bytes of an output are there: for a folder its files too.
  func holds(_ output: ActionOutput) -> Bool {
    output.kind == .tree ? holdsTree(output.digest) : contains(output.digest)
  }

  /// Whether the manifest of a folder, those of the folders in it, and its files are there.
  func holdsTree(_ digest: Digest) -> Bool {
    guard contains(digest), let manifest = try? tree(digest) else { return false }
    return manifest.entries.allSatisfy { entry in
      switch entry.kind {
      case .file(let digest, _, _): contains(digest)
      case .directory(let digest, _): holdsTree(digest)
      case .link: true
      }
    }
  }
}

extension Session {
  /// Whether all bytes of an output are in the cache.
  func holds(_ output: ActionOutput) -> Bool { store.holds(output) }
}

extension HistoryEntry {
  /// Whether it says that an attempt came to nothing.
  var isFailure: Bool { outcome == "failed" || outcome == "interrupted" }
}
