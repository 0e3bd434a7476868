import Glibc
import RungCore
import RungStore

/// The private folder of one execution.
public enum Workspace {
  /// Rung's own corner of what a step sees as its workspace. Nothing here is ever an output.
  public static let reserved = ".rung"

  /// What the process printed, beside the workspace.
  public static func log(of workspace: String) -> String { "\(workspace).log" }

  /// What the step says of itself, if it does.
  public static func events(of workspace: String) -> String { "\(Place(folder: workspace).temporary)/\(eventsFile)" }

  /// The name of that file among the step's temporary files.
  static let eventsFile = "rung-events.jsonl"

  /// The folder that the step writes into as its workspace, on the disk.
  public static func root(of workspace: String) -> String { Place(folder: workspace).root }

  /// The folders of an execution on the disk.
  struct Place {
    /// All of it.
    let folder: String
    /// What the step writes: its outputs lie here.
    var root: String { "\(folder)/top" }
    /// An overlay's own.
    var work: String { "\(folder)/work" }
    /// Its temporary files.
    var temporary: String { "\(folder)/tmp" }
    /// Its home folder, empty.
    var home: String { "\(temporary)/home" }
    /// Where a private view puts the workspace.
    var mountPoint: String { "\(temporary)/workspace" }
    /// Nothing lies here, ever.
    var empty: String { "\(folder)/empty" }

    /// Inputs that no other step reads, where they come as a layer of their own.
    var own: String { "\(folder)/own" }

    /// What a varied step sees as /etc/hosts.
    var hosts: String { "\(folder)/hosts" }
    /// What it sees as the list of processors.
    var processors: String { "\(folder)/processors" }

    var all: [String] { [folder, root, work, temporary, home, mountPoint, empty] }
  }

  /// Makes the workspace, unless it is a recycled one, and puts the files into it that the task wants to find there.
  ///
  /// Files that tasks share come as layers below it, or are copied too where there are none. `mountPoints` are made, and
  /// those of the step before that are not wanted are removed.
  static func prepare(
    _ task: StepTask, store: ObjectStore, withShared: Bool, mountPoints: [WorkspaceView.Part]
  ) throws {
    let place = Place(folder: task.workspace)
    for folder in place.all { try makeFolder(folder) }
    let kept = Set(task.kept.compactMap { $0.text.split(separator: "/").first.map(String.init) })
    try makeMountPoints(mountPoints, in: place.root, leaving: kept)
    var made: Set<RelativePath> = [.root]
    try stage(withShared ? task.shared + task.files : task.files, in: place.root, &made, store: store)
    for output in task.outputs {
      try refuseReserved(output.path, "the output '\(output.name)'")
      try makeParents(of: output.path, in: place.root, &made)
    }
  }

  private static func makeMountPoints(
    _ parts: [WorkspaceView.Part], in root: String, leaving kept: Set<String>
  ) throws(ExecError) {
    var wanted = Dictionary(parts.map { ($0.name, $0.isFolder) }, uniquingKeysWith: { $1 })
    var stale: [String] = []
    if let stream = opendir(root) {
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = entryName(entry)
        if name == "." || name == ".." || kept.contains(name) { continue }
        if wanted[name] == (Int32(entry.pointee.d_type) == Int32(DT_DIR)) {
          wanted[name] = nil
        } else {
          stale.append(name)
        }
      }
    }
    for name in stale { try TreeRemoval.remove("\(root)/\(name)") }
    for (name, isFolder) in wanted {
      if isFolder { try makeFolder("\(root)/\(name)") } else { try write([], to: "\(root)/\(name)") }
    }
  }

  /// The folder of a layer that is this workspace's own.
  public static func ownLayer(of workspace: String) -> String { Place(folder: workspace).own }

  /// Puts files into the folder of a layer that is a workspace's own. Of what the step before left there, folders that are
  /// wanted again stay, since making and removing them costs more than anything else that is done for a small step.
  static func prepare(_ layer: StagedLayer, store: ObjectStore) throws {
    var wanted: Set<RelativePath> = []
    for file in layer.files {
      var parent = file.path.parent
      while !parent.text.isEmpty, wanted.insert(parent).inserted { parent = parent.parent }
    }
    try makeFolder(parentFolder(of: layer.folder))
    try makeFolder(layer.folder)
    try clear(layer.folder, .root, keeping: wanted)
    try stage(layer.files, in: layer.folder, store: store)
  }

  private static func parentFolder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "/"
  }

  // Removes everything but these folders.
  private static func clear(
    _ folder: String, _ path: RelativePath, keeping kept: Set<RelativePath>
  ) throws(ExecError) {
    guard let stream = opendir(folder) else { throw .system("list", folder) }
    var names: [(name: String, isFolder: Bool)] = []
    while let entry = readdir(stream) {
      let name = entryName(entry)
      if name != "." && name != ".." { names.append((name, Int32(entry.pointee.d_type) == Int32(DT_DIR))) }
    }
    closedir(stream)
    for (name, isFolder) in names {
      if isFolder, let child = path.appending(name), kept.contains(child) {
        try clear("\(folder)/\(name)", child, keeping: kept)
      } else {
        try TreeRemoval.remove("\(folder)/\(name)")
      }
    }
  }

  /// Puts files into a folder.
  static func stage(_ files: [StagedFile], in folder: String, store: ObjectStore) throws {
    var made: Set<RelativePath> = [.root]
    try stage(files, in: folder, &made, store: store)
  }

  private static func stage(
    _ files: [StagedFile], in folder: String, _ made: inout Set<RelativePath>, store: ObjectStore
  ) throws {
    for file in files {
      try refuseReserved(file.path, "the input '\(file.path)'")
      try makeParents(of: file.path, in: folder, &made)
      let place = file.path.absolute(in: folder)
      switch file.content {
      case .object(let digest, let executable):
        try store.restore(digest, to: place, executable: executable)
        if executable { waitUntilNobodyWrites(place) }
      case .tree(let digest): try store.restoreTree(digest, to: place)
      case .bytes(let bytes): try write(bytes, to: place)
      }
    }
  }

  // A process that another thread is just starting has, until it closes them, copies of the descriptors on which files were
  // written, and the kernel executes no file that somebody may write ("text file busy"). A read lease is refused while
  // there is such a descriptor (fcntl(2)); where leases are not to be had, the step has to be lucky.
  private static func waitUntilNobodyWrites(_ place: String) {
    let setLease: Int32 = 1024  // F_SETLEASE, which Glibc's module does not show
    let file = open(place, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    for _ in 0..<400 {
      if fcntl(file, setLease, Int32(F_RDLCK)) == 0 || errno != EAGAIN { return }
      usleep(500)
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

  /// Empties a workspace but for the folders that every workspace has and these mount points, so that the next step can have it: on ext4,
  /// making and removing folders costs more than starting a process. False when it is not clean afterwards (a step
  /// changed permissions, or something cannot be removed): then it must not be used again.
  static func recycle(_ workspace: String, keeping mountPoints: [String]) -> Bool {
    let place = Place(folder: workspace)
    return empty(place.root, keeping: Set(mountPoints)) && empty(place.temporary, keeping: ["home", "workspace"])
      && empty(place.home, keeping: []) && empty(place.mountPoint, keeping: [])
  }

  private static func empty(_ folder: String, keeping kept: Set<String>) -> Bool {
    var status = stat()
    guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o7777 == 0o755,
      status.st_uid == geteuid()
    else { return false }
    guard let stream = opendir(folder) else { return false }
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
      if kept.contains(text) { continue }
      guard (try? TreeRemoval.remove("\(folder)/\(text)")) != nil else { return false }
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
