import Glibc
import RungCore
import RungExec
import RungLedger
import RungStore

/// Puts copies of outputs at their places in the project.
///
/// A copy appears under its name complete or not at all. What was there before is replaced; if it is something that the
/// cache does not know (edited by hand, never Rung's), its bytes are kept in the cache and the user is told where.
struct Publisher: Sendable {
  let root: String
  let store: ObjectStore

  struct Problem: Error {
    let message: String
  }

  /// Writes the copy. The answer is the digest of bytes that were replaced and are kept in the cache, or nil.
  func publish(_ digest: Digest, kind: ActionOutput.Kind, to path: RelativePath) throws(Problem) -> Digest? {
    let target = path.absolute(in: root)
    try makeFolder(path.parent)
    let temporary = path.parent.absolute(in: root) + "/.rung-\(getpid())-\(digest.short)-\(path.name)"
    var kept: Digest?
    do throws(StoreError) {
      try? removeTree(temporary)
      if kind == .tree {
        try store.restoreTree(digest, to: temporary)
      } else {
        try store.restore(digest, to: temporary, executable: kind == .executable)
      }
      kept = try keepUnknown(target)
    } catch {
      try? removeTree(temporary)
      throw Problem(message: "cannot write \(path): \(error)")
    }
    var status = stat()
    if lstat(target, &status) == 0, status.st_mode & S_IFMT == S_IFDIR || kind == .tree { try? removeTree(target) }
    guard rename(temporary, target) == 0 else {
      let reason = String(cString: strerror(errno))
      try? removeTree(temporary)
      throw Problem(message: "cannot write \(path): \(reason)")
    }
    return kept
  }

  // Stores what lies at `target` when the cache does not have it. Folders are kept too.
  private func keepUnknown(_ target: String) throws(StoreError) -> Digest? {
    var status = stat()
    guard lstat(target, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      let digest = try ObjectStore.digest(ofFileAt: target).digest
      guard !store.contains(digest) else { return nil }
      return try store.put(fileAt: target).digest
    case S_IFDIR:
      var files = SourceFiles(root: root, cached: [], storingIn: nil)
      if let content = try? files.content(absolute: target), store.contains(content.digest) { return nil }
      return try store.putTree(at: target).digest
    default: return nil
    }
  }

  // Every component must be a folder or absent; a link out of the project is not followed.
  private func makeFolder(_ path: RelativePath) throws(Problem) {
    var current = RelativePath.root
    for component in path.components {
      guard let next = current.appending(component) else { continue }
      current = next
      let absolute = current.absolute(in: root)
      if mkdir(absolute, 0o755) == 0 || errno == EEXIST { continue }
      throw Problem(message: "cannot make the folder \(current): \(String(cString: strerror(errno)))")
    }
    guard !path.text.isEmpty else { return }
    guard let real = realpath(path.absolute(in: root), nil), let realRoot = realpath(root, nil) else {
      throw Problem(message: "cannot reach the folder \(path)")
    }
    defer {
      free(real)
      free(realRoot)
    }
    let inside =
      String(cString: realRoot) == "/" || (String(cString: real) + "/").hasPrefix(String(cString: realRoot) + "/")
    guard inside else { throw Problem(message: "\(path) leads out of the project through a symbolic link") }
  }
}
