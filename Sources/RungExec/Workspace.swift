import Glibc
import RungCore
import RungStore

/// The private folder of one execution.
public enum Workspace {
  /// Rung's own corner of every workspace. Steps may write below `tmp` and `home`; nothing here is ever an output.
  public static let reserved = ".rung"

  /// The folder for temporary files of the step in `workspace`: its TMPDIR. Made before the start.
  public static func temporaryFolder(in workspace: String) -> String { "\(workspace)/\(reserved)/tmp" }

  /// The home folder of the step in `workspace`: its HOME. Made before the start, empty.
  public static func homeFolder(in workspace: String) -> String { "\(workspace)/\(reserved)/home" }

  /// What the process printed, beside the workspace.
  public static func log(of workspace: String) -> String { "\(workspace).log" }

  /// Makes the workspace, unless it is a recycled one, and everything that the task wants to find in it.
  static func prepare(_ task: StepTask, store: ObjectStore) throws {
    try makeFolder(task.workspace)
    try makeFolder("\(task.workspace)/\(reserved)")
    try makeFolder(temporaryFolder(in: task.workspace))
    try makeFolder(homeFolder(in: task.workspace))

    var made: Set<RelativePath> = [.root]
    for file in task.files {
      try refuseReserved(file.path, "the input '\(file.path)'")
      try makeParents(of: file.path, in: task.workspace, &made)
      let place = file.path.absolute(in: task.workspace)
      switch file.content {
      case .object(let digest, let executable): try store.restore(digest, to: place, executable: executable)
      case .tree(let digest): try store.restoreTree(digest, to: place)
      case .bytes(let bytes): try write(bytes, to: place)
      }
    }
    for output in task.outputs {
      try refuseReserved(output.path, "the output '\(output.name)'")
      try makeParents(of: output.path, in: task.workspace, &made)
    }
  }

  private static func refuseReserved(_ path: RelativePath, _ what: String) throws(ExecError) {
    if path.text.isEmpty { throw ExecError("\(what) has the workspace itself as its path") }
    // Outputs of other steps are put below .rung/in; all else in there is Rung's own.
    if path.text == reserved || path.text.hasPrefix(reserved + "/") && !path.text.hasPrefix(reserved + "/in/") {
      throw ExecError("\(what) lies in '\(reserved)', which is Rung's own folder in a workspace; use another path")
    }
  }

  // `made` are the folders known to be there, which saves asking for each file.
  private static func makeParents(
    of path: RelativePath, in workspace: String, _ made: inout Set<RelativePath>
  ) throws(ExecError) {
    let parent = path.parent
    if made.contains(parent) { return }
    try makeParents(of: parent, in: workspace, &made)
    let place = parent.absolute(in: workspace)
    // A staged tree may have brought the folder.
    if mkdir(place, 0o755) != 0 && errno != EEXIST { throw .system("make the folder", place) }
    made.insert(parent)
  }

  private static func makeFolder(_ path: String) throws(ExecError) {
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw .system("make the folder", path) }
  }

  /// Empties a workspace but for the folders that every workspace has, so that the next step can have it: on ext4,
  /// making and removing folders costs more than starting a process. False when it is not clean afterwards (a step
  /// changed permissions, or something cannot be removed): then it must not be used again.
  static func recycle(_ workspace: String) -> Bool {
    let kept = [reserved, "\(reserved)/tmp", "\(reserved)/home"]
    for folder in [""] + kept {
      let path = folder.isEmpty ? workspace : "\(workspace)/\(folder)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o7777 == 0o755,
        status.st_uid == geteuid()
      else { return false }
      guard let stream = opendir(path) else { return false }
      var names: [[CChar]] = []
      while let entry = readdir(stream) {
        let bytes = entryBytes(entry)
        if bytes != [46, 0] && bytes != [46, 46, 0] { names.append(bytes) }
      }
      closedir(stream)
      for name in names {
        guard let text = String(validating: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
          return false
        }
        if kept.contains(folder.isEmpty ? text : "\(folder)/\(text)") { continue }
        guard (try? TreeRemoval.remove("\(path)/\(text)")) != nil else { return false }
      }
    }
    return true
  }

  /// Writes a new file; one that is there already is an error.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(ExecError) {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    if file < 0 { throw .system("make", path) }
    defer { close(file) }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
      if count > 0 { done += count } else if errno != EINTR { throw .system("write", path) }
    }
  }
}
