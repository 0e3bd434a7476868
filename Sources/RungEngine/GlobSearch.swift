import Glibc
import RungCore

/// Finds the files of the project that a pattern matches.
enum GlobSearch {
  /// The regular files (links followed) that match, in the order of their bytes. Does not descend into links to
  /// folders, so that a loop of links cannot trap it.
  static func files(matching glob: Glob, root: String) -> [RelativePath] {
    var found: [RelativePath] = []
    let prefix = glob.fixedPrefix
    guard let start = RelativePath(prefix) else { return [] }
    let deepest = glob.pattern.contains("**") ? 200 : glob.pattern.split(separator: "/").count
    visit(start, root: root, glob: glob, depth: start.components.count, deepest: deepest, into: &found)
    return found.sorted()
  }

  private static func visit(
    _ folder: RelativePath, root: String, glob: Glob, depth: Int, deepest: Int, into found: inout [RelativePath]
  ) {
    guard depth < deepest, let handle = opendir(folder.absolute(in: root)) else { return }
    var children: [RelativePath] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      // What says where a published copy comes from is nobody's data.
      if name == "." || name == ".." || name.hasSuffix(Publisher.sidecar(of: "")) { continue }
      if let child = folder.appending(name) { children.append(child) }
    }
    closedir(handle)
    for child in children {
      var status = stat()
      guard lstat(child.absolute(in: root), &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        visit(child, root: root, glob: glob, depth: depth + 1, deepest: deepest, into: &found)
      } else if glob.matches(child.text), stat(child.absolute(in: root), &status) == 0,
        status.st_mode & S_IFMT == S_IFREG
      {
        found.append(child)
      }
    }
  }
}
