internal import CRungLaunch
import Glibc
import RungCore
import RungStore

/// Takes what a step made into the store, after its processes are gone.
///
/// An output must really lie in the workspace: no component of its path may be a symbolic link, it must be a regular
/// file or a directory as declared, and nothing else (no pipe, socket or device) is ever opened.
struct OutputCollector {
  let task: StepTask
  let store: ObjectStore
  /// Names in the workspace's root on which the project was mounted.
  let mountPoints: Set<String>

  private var root: String { Workspace.Place(folder: task.workspace).root }

  /// All outputs in the store, or what is wrong with each that is not.
  enum Outcome {
    case stored([ProducedOutput])
    /// One sentence for each output, for people.
    case wrong([String])
    /// The store failed.
    case fault(String)
  }

  /// Looks at all outputs before it stores the first: a step that forgot one costs nothing.
  func collect() -> Outcome {
    let folder = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if folder < 0 { return .wrong(["its workspace cannot be read after it ended: \(ExecError.reason(errno))"]) }
    defer { close(folder) }

    var problems: [String] = []
    var statuses: [stat] = []
    for output in task.outputs {
      let found = inspect(output, in: folder)
      problems += found.problem.map { [$0] } ?? []
      statuses.append(found.status)
    }
    if !problems.isEmpty { return .wrong(problems) }

    var produced: [ProducedOutput] = []
    for (output, status) in zip(task.outputs, statuses) {
      let place = output.path.absolute(in: root)
      // What is in a folder is not known before it is stored.
      let isLarge = output.isDirectory || status.st_size >= StepTask.large
      let options = PutOptions(compression: output.compression, earlier: isLarge ? task.earlier(output) : [])
      let executable = !output.isDirectory && status.st_mode & 0o100 != 0
      do {
        let stored =
          try output.isDirectory
          ? store.putTree(at: place, options: options) : store.put(fileAt: place, options: options)
        produced.append(
          ProducedOutput(
            name: output.name, path: output.path, digest: stored.digest, size: stored.size,
            isDirectory: output.isDirectory, executable: executable))
      } catch {
        // A link that leads out, a pipe in a directory, a file that something still writes: the step's own doing.
        let sentence = "cannot store its output '\(output.name)' (\(output.path)): \(error)"
        return error.code == .badPath || error.code == .changed ? .wrong([sentence]) : .fault(sentence)
      }
    }
    return .stored(produced)
  }

  private func inspect(_ output: ExpectedOutput, in folder: Int32) -> (problem: String?, status: stat) {
    let label = "'\(output.name)' (\(output.path))"
    let status: stat
    switch look(at: output.path, in: folder) {
    case .found(let found): status = found
    case .failed(let code): return (problem(finding: output, label, code), stat())
    }

    switch (status.st_mode & S_IFMT, output.isDirectory) {
    case (S_IFREG, false), (S_IFDIR, true):
      makeReadable(output.path.absolute(in: root), status)
      return (nil, status)
    case (S_IFREG, true):
      return (
        "its output \(label) is a file, but is declared as a directory; write a directory, or declare the path "
          + "without '/' at its end", status
      )
    case (S_IFDIR, false):
      return (
        "its output \(label) is a directory, but is declared as a file; declare it as '\(output.path)/' if a "
          + "directory is meant", status
      )
    case (S_IFLNK, _):
      return ("its output \(label) is a symbolic link; a result must be the file itself: copy it there", status)
    case (S_IFIFO, _): return ("its output \(label) is a named pipe, not a file", status)
    case (S_IFSOCK, _): return ("its output \(label) is a socket, not a file", status)
    default: return ("its output \(label) is a device, not a file", status)
    }
  }

  private func problem(finding output: ExpectedOutput, _ label: String, _ code: Int32) -> String {
    switch code {
    case ENOENT: "did not write its output \(label)\(hint(for: output))"
    case ELOOP: "its output \(label) lies behind a symbolic link; results must lie in the workspace itself"
    case ENOTDIR: "did not write its output \(label): a part of that path is not a directory"
    default: "its output \(label) cannot be opened: \(ExecError.reason(code))"
    }
  }

  // What it wrote instead: files that were not there at the start, in the root and in the output's own folder.
  private func hint(for output: ExpectedOutput) -> String {
    let before = Set((task.files + task.shared).map(\.path)).union(task.outputs.map(\.path))
    var found: [String] = []
    for folder in Set([RelativePath.root, output.path.parent]).sorted() {
      guard let stream = opendir(folder.absolute(in: root)) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = entryName(entry)
        guard name != ".", name != "..", name != Workspace.reserved,
          !(folder == .root && mountPoints.contains(name)), let path = folder.appending(name)
        else { continue }
        if before.contains(path) || before.contains(where: { $0.isInside(path) }) { continue }
        found.append(path.text)
      }
    }
    if found.isEmpty { return "; it wrote no other file either" }
    found.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    if let near = nearest(output.path.text, among: found) { return "; it wrote '\(LogTail.printable(near))'" }
    let shown = found.prefix(5).map { "'\(LogTail.printable($0))'" }.joined(separator: ", ")
    return "; it wrote \(shown)" + (found.count > 5 ? " and \(found.count - 5) more" : "")
  }

  // A step may have taken its own right to read away; the result is fine all the same.
  private func makeReadable(_ place: String, _ status: stat) {
    let needed: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o500 : 0o400
    if status.st_mode & needed != needed { chmod(place, status.st_mode & 0o7777 | needed) }
  }

  private enum Look {
    case found(stat)
    case failed(Int32)
  }

  // What lies at `path`, without opening it. The last component may be a symbolic link, and is then what is found.
  private func look(at path: RelativePath, in folder: Int32) -> Look {
    var status = stat()
    let named = rung_name_beneath(folder, path.text)
    if named >= 0 {
      defer { close(named) }
      return fstat(named, &status) == 0 ? .found(status) : .failed(errno)
    }
    if errno != ENOSYS && errno != EPERM { return .failed(errno) }

    // Where openat2 is missing or forbidden, the same walk by hand: no folder on the way may be a link.
    var at = fcntl(folder, F_DUPFD_CLOEXEC, 3)
    defer { close(at) }
    for part in path.components.dropLast() {
      let next = openat(at, String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if next < 0 { return .failed(errno) }
      close(at)
      at = next
    }
    return fstatat(at, path.name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? .found(status) : .failed(errno)
  }
}
