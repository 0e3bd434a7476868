import Glibc
import RungCore

/// The project in a workspace where there is no overlay: symbolic links to what the task does not bring itself.
enum ProjectLinks {
  /// Fills a workspace's root, in which staged files and the folders of outputs are already. Folders on the way to those
  /// are real, everything else is one link.
  static func make(_ task: StepTask, in root: String) throws(ExecError) {
    var own: Set<RelativePath> = []
    var folders: Set<RelativePath> = [.root]
    for path in (task.files + task.shared).map(\.path) + task.outputs.map(\.path) {
      own.insert(path)
      var parent = path.parent
      while folders.insert(parent).inserted { parent = parent.parent }
    }
    if let cache = task.surroundings.cacheInProject.flatMap({ RelativePath($0) }) {
      own.insert(cache)
      var parent = cache.parent
      while folders.insert(parent).inserted {
        let place = parent.absolute(in: root)
        if mkdir(place, 0o755) != 0 && errno != EEXIST { throw .system("make the folder", place) }
        parent = parent.parent
      }
    }
    for folder in folders { try fill(folder, from: task.surroundings.project, root: root, own: own, folders: folders) }
  }

  private static func fill(
    _ folder: RelativePath, from project: String, root: String, own: Set<RelativePath>, folders: Set<RelativePath>
  ) throws(ExecError) {
    // A folder that the project does not have brings nothing.
    guard let stream = opendir(folder.absolute(in: project)) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = entryName(entry)
      guard name != ".", name != "..", let path = folder.appending(name), !own.contains(path), !folders.contains(path)
      else { continue }
      let place = path.absolute(in: root)
      if symlink(path.absolute(in: project), place) != 0 && errno != EEXIST { throw .system("make the link", place) }
    }
  }
}
