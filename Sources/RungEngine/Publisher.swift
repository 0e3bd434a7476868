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
  let workspaces: WorkspaceFolder

  struct Problem: Error {
    let message: String
  }

  /// What was replaced and is kept in the cache.
  struct Displaced {
    let digest: Digest
    let isTree: Bool
  }

  /// Writes the copy. The answer is what was replaced and is kept in the cache, or nil.
  func publish(_ digest: Digest, kind: ActionOutput.Kind, to path: RelativePath) throws(Problem) -> Displaced? {
    let target = path.absolute(in: root)
    try makeFolder(path.parent)
    // Made in the run's own folder, which the next run sweeps if this one is killed, and renamed from there. Only where
    // that is another file system must the copy be made beside its place.
    let temporary = sameDevice(path.parent) ? workspaces.nextWorkspace() : Self.besides(path, in: root)
    Self.sweep(path.parent.absolute(in: root))
    var kept: Displaced?
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

  private func sameDevice(_ folder: RelativePath) -> Bool {
    var here = stat()
    var there = stat()
    return stat(workspaces.path, &here) == 0 && stat(folder.absolute(in: root), &there) == 0
      && here.st_dev == there.st_dev
  }

  private static let mark = ".rung-copy-"

  private static func besides(_ path: RelativePath, in root: String) -> String {
    "\(path.parent.absolute(in: root))/\(mark)\(getpid())-\(path.name)"
  }

  // Removes what processes of this machine that are gone have left beside published files.
  private static func sweep(_ folder: String) {
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix(mark), let pid = pid_t(name.dropFirst(mark.count).prefix { $0 != "-" }) else { continue }
      if kill(pid, 0) != 0 && errno == ESRCH { try? removeTree("\(folder)/\(name)") }
    }
  }

  // Stores what lies at `target` when the cache does not have it. Folders are kept too.
  private func keepUnknown(_ target: String) throws(StoreError) -> Displaced? {
    var status = stat()
    guard lstat(target, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      let digest = try ObjectStore.digest(ofFileAt: target).digest
      guard !store.contains(digest) else { return nil }
      return Displaced(digest: try store.put(fileAt: target).digest, isTree: false)
    case S_IFDIR:
      var files = SourceFiles(root: root, cached: [], storingIn: nil)
      if let content = try? files.content(absolute: target), store.contains(content.digest) { return nil }
      return Displaced(digest: try store.putTree(at: target).digest, isTree: true)
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
