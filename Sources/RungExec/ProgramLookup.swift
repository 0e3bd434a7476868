import Glibc
import RungCore
import RungModel

/// Finds the program of a task as its own PATH says, and explains when it cannot be run.
struct ProgramLookup {
  // The folders whose files the step sees in its workspace, the uppermost first; and where it sees them.
  private let folders: [String]
  private let workspace: String
  private let path: String

  /// Of a task: PATH as the process will see it.
  init(_ task: StepTask, layers: [String]) {
    let root = Workspace.Place(folder: task.workspace).root
    let confinement = task.confinement
    folders =
      [root] + layers
      + (confinement.layout == .mounts && confinement.level != .strict ? [task.surroundings.project] : [])
    workspace = confinement.mounts ? StepPlan.workspace(of: task) : root
    path = task.variables.last { $0.name == "PATH" }?.value ?? ""
  }

  /// The absolute path of `name`, as the step sees it. A relative entry of PATH counts from the workspace; an empty one
  /// is skipped.
  func find(_ name: String) throws(ExecError) -> String {
    if name.isEmpty { throw ExecError("the command is empty") }
    if name.utf8.contains(0) { throw ExecError("the command has a NUL character in it") }
    if name.utf8.contains(UInt8(ascii: "/")) {
      let place = absolute(name)
      switch kind(place) {
      case .runnable: return seen(place, as: name)
      case .notExecutable: throw ExecError("'\(name)' is not executable; make it so with: chmod +x \(name)")
      case .folder: throw ExecError("'\(name)' is a directory, not a program")
      case .missing: throw ExecError("there is no program '\(name)'\(isRelativeHint(name))")
      }
    }
    var blocked: String?
    for entry in path.split(separator: ":") {
      let place = "\(absolute(String(entry)))/\(name)"
      switch kind(place) {
      case .runnable: return seen(place, as: "\(entry)/\(name)")
      case .notExecutable: blocked = blocked ?? place
      case .folder, .missing: continue
      }
    }
    if let blocked { throw ExecError("'\(blocked)' is not executable; make it so with: chmod +x \(blocked)") }
    if path.isEmpty { throw ExecError("cannot look for the program '\(name)': the step's PATH is empty") }
    let hint = nearest(name, among: names()).map { "; did you mean '\($0)'?" } ?? ""
    throw ExecError("no program '\(name)' on the step's PATH (\(path))\(hint)")
  }

  /// Why exec refused a program that is there.
  func explain(_ code: Int32, program: String, arguments: [String], environment: [String]) -> String {
    switch code {
    case ENOENT:
      let interpreter = self.interpreter(of: onDisk(program))
      return interpreter.map { "cannot run '\(program)': its interpreter '\($0)' (first line) does not exist" }
        ?? "cannot run '\(program)': it, or the loader that it was linked for, does not exist"
    case ENOEXEC:
      return "cannot run '\(program)': it is neither a program for this machine nor a script with a '#!' first line"
    case E2BIG:
      let size = (arguments + environment).reduce(0) { $0 + $1.utf8.count + 9 }
      return "cannot run '\(program)': its arguments and variables are too long for the system (\(size) bytes); "
        + "pass long lists in a file"
    case EACCES:
      return "cannot run '\(program)': permission denied (is its file system mounted noexec?)"
    default:
      return "cannot run '\(program)': \(ExecError.reason(code))"
    }
  }

  private enum Kind { case runnable, notExecutable, folder, missing }

  private func kind(_ place: String) -> Kind {
    var status = stat()
    guard stat(place, &status) == 0 else { return .missing }
    if status.st_mode & S_IFMT == S_IFDIR { return .folder }
    return status.st_mode & S_IFMT == S_IFREG && access(place, X_OK) == 0 ? .runnable : .notExecutable
  }

  // Where a path lies on the disk.
  private func absolute(_ place: String) -> String {
    if place.hasPrefix("/") { return place }
    let places = folders.map { "\($0)/\(place)" }
    return places.first { access($0, F_OK) == 0 } ?? places[0]
  }

  // Where the step sees what lies there: what was named from the workspace. An absolute name stays, even of the project:
  // an environment in the project's cache is not in the workspace.
  private func seen(_ place: String, as name: String) -> String {
    guard !name.hasPrefix("/"), let folder = folders.first(where: { place.hasPrefix($0 + "/") }) else { return place }
    return workspace + place.dropFirst(folder.utf8.count)
  }

  private func onDisk(_ place: String) -> String {
    place.hasPrefix(workspace + "/") ? absolute(String(place.dropFirst(workspace.utf8.count + 1))) : place
  }

  private func isRelativeHint(_ name: String) -> String {
    name.hasPrefix("/") ? "" : " in the workspace; a script of the project has to be an input of the step"
  }

  // Every name on PATH: only for a suggestion.
  private func names() -> [String] {
    var result: [String] = []
    for entry in path.split(separator: ":") {
      guard let stream = opendir(absolute(String(entry))) else { continue }
      defer { closedir(stream) }
      while let item = readdir(stream) { result.append(entryName(item)) }
    }
    return result
  }

  private func interpreter(of program: String) -> String? {
    let file = open(program, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = read(file, &bytes, bytes.count)
    guard count > 2, bytes[0] == UInt8(ascii: "#"), bytes[1] == UInt8(ascii: "!") else { return nil }
    let line = String(decoding: bytes[2..<count].prefix { $0 != 10 }, as: UTF8.self)
    return line.split(separator: " ").first.map(String.init)
  }
}
