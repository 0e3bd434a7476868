import Glibc
import RungCore

/// How the project and a task's inputs get into its workspace by mounts. A value, decided before anything is mounted.
///
/// The usual way costs least: the workspace is the step's own folder, and each entry of the project's root is mounted
/// there read-only; where staged inputs lie below it, as an overlay of them and the project. An overlay with a writable
/// layer is needed only when outputs lie among the project's files: on ext4 it costs half a millisecond more, for the
/// folders that the kernel makes for it. Of other steps' outputs that the run keeps unpacked a small one is made: the step
/// may write to them like to any other.
struct WorkspaceView {
  /// One mount, on a name in the workspace.
  struct Part: Hashable {
    let name: String
    let isFolder: Bool
    /// What is seen there, the uppermost first.
    let layers: [String]
    /// Whether the step's own folder of this name lies above it, to be written to.
    var isWritable: Bool { name == Workspace.reserved }
  }

  /// The mounts; empty when one overlay shows everything.
  let parts: [Part]
  /// The names in the step's own folder that are nothing but places for mounts.
  var mountPoints: [String] { parts.filter { !$0.isWritable }.map(\.name) }
  /// Whether one overlay with a writable layer is made instead.
  let isOverlay: Bool

  // More entries than this in the project's root make so many mounts that an overlay is cheaper.
  private static let mostParts = 100

  /// Decides. `layers` are the folders with the task's shared inputs. Looks at the project's root once.
  init(_ task: StepTask, layers: [String]) {
    let isStrict = task.confinement.level == .strict
    let project = task.surroundings.project
    let cache = task.surroundings.cacheInProject
    // Names that the step, or Rung for it, writes in the workspace itself.
    let own = Set(
      (task.outputs.map(\.path) + task.files.map(\.path)).compactMap { $0.components.first.map(String.init) }
    ).subtracting([Workspace.reserved])
    let staged = layers.map { (layer: $0, entries: Self.entries(of: $0)) }
    var names: [String: Bool] = [:]  // to whether it is a folder
    if !isStrict {
      for (name, isFolder) in Self.entries(of: project) where name != cache && name != Workspace.reserved {
        names[name] = isFolder
      }
    }
    let ofProject = Set(names.keys)
    var stagedNames: [String: [String]] = [:]  // to where it lies
    for (layer, entries) in staged {
      for (name, isFolder) in entries {
        names[name] = isFolder
        stagedNames[name, default: []].append("\(layer)/\(name)")
      }
    }
    isOverlay = names.count > Self.mostParts || own.contains { names[$0] != nil }
    guard !isOverlay else {
      parts = []
      return
    }
    parts = names.sorted { $0.key < $1.key }.map { name, isFolder in
      var layers = stagedNames[name] ?? []
      // A staged file takes the place of the project's; folders are seen through each other.
      if ofProject.contains(name), layers.isEmpty || isFolder { layers.append("\(project)/\(name)") }
      return Part(name: name, isFolder: isFolder, layers: layers)
    }
  }

  // What lies in a folder, links followed; what is neither file nor folder is left out.
  private static func entries(of folder: String) -> [(String, Bool)] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var entries: [(String, Bool)] = []
    while let entry = readdir(stream) {
      let name = entryName(entry)
      if name == "." || name == ".." { continue }
      switch Int32(entry.pointee.d_type) {
      case Int32(DT_DIR): entries.append((name, true))
      case Int32(DT_REG): entries.append((name, false))
      default:
        var status = stat()
        guard stat("\(folder)/\(name)", &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR { entries.append((name, true)) }
        if status.st_mode & S_IFMT == S_IFREG { entries.append((name, false)) }
      }
    }
    return entries
  }
}
