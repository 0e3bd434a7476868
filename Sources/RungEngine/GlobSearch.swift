import Glibc
import RungCore

/// Finds the files of the project that a pattern matches.
enum GlobSearch {
  /// The regular files (links followed) that match, in the order of their bytes. Does not descend into links to
  /// folders, so that a loop of links cannot trap it.
  ///
  /// - Parameter looks: told of every folder that was searched.
  static func files(matching glob: Glob, root: String, looks: inout Looks?) -> [RelativePath] {
    var found: [RelativePath] = []
    let prefix = glob.fixedPrefix
    guard let start = RelativePath(prefix) else { return [] }
    let deepest = glob.pattern.contains("**") ? 200 : glob.pattern.split(separator: "/").count
    visit(start, root: root, glob: glob, depth: start.components.count, deepest: deepest, into: &found, &looks)
    return found.sorted()
  }

  private static func visit(
    _ folder: RelativePath, root: String, glob: Glob, depth: Int, deepest: Int, into found: inout [RelativePath],
    _ looks: inout Looks?
  ) {
    guard depth < deepest else { return }
    guard let listing = FolderNames(in: folder.absolute(in: root)) else {
      // Whatever is there, it is no folder that can be searched.
      var status = stat()
      let isThere = stat(folder.absolute(in: root), &status) == 0
      looks?.note(folder.text, follows: true, isThere ? .other : .absent)
      return
    }
    looks?.note(folder.text, follows: true, .listing(listing.digest))
    var children: [RelativePath] = []
    for bytes in listing.names {
      let name = String(decoding: bytes, as: UTF8.self)
      // What says where a published copy comes from is nobody's data.
      if name.hasSuffix(Publisher.sidecar(of: "")) { continue }
      if let child = folder.appending(name) { children.append(child) }
    }
    for child in children {
      var status = stat()
      guard lstat(child.absolute(in: root), &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        visit(child, root: root, glob: glob, depth: depth + 1, deepest: deepest, into: &found, &looks)
      } else if glob.matches(child.text) {
        let isThere = stat(child.absolute(in: root), &status) == 0
        if isThere, status.st_mode & S_IFMT == S_IFREG {
          found.append(child)
        } else {
          // A link whose target may become a file without a change in this folder.
          let isFolder = isThere && status.st_mode & S_IFMT == S_IFDIR
          looks?.note(child.text, follows: true, isFolder ? .folder : isThere ? .other : .absent)
        }
      }
    }
  }
}
