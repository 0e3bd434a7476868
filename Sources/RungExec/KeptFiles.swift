import Glibc
import RungCore

/// What steps keep of attempts that did not succeed (`keep:`), by action key: checkpoints, never results.
///
/// Below `folder`, `KEY/` holds the files at their paths in the workspace, and `KEY.attempts` says how many attempts have
/// ended. Everything is moved and never copied: the folder lies in the file system of the workspaces. A run that was
/// killed leaves its files in the workspace, from which `rescue` takes them before it is swept.
public struct KeptFiles: Sendable {
  /// Where they lie, absolute.
  public let folder: String

  /// Kept files in a folder that need not exist yet.
  public init(folder: String) { self.folder = folder }

  // What a workspace says of the files that are to be kept: the key, then a path a line.
  private static func note(of workspace: String) -> String { "\(workspace)/keep" }

  /// Puts what earlier attempts left into a workspace whose step begins, and notes there what is to be kept of it.
  ///
  /// Returns how many attempts there were before, 0 for none.
  public func hand(_ key: Digest, _ paths: [RelativePath], to workspace: String) throws(ExecError) -> Int {
    let root = Workspace.root(of: workspace)
    for folder in [workspace, root] where mkdir(folder, 0o755) != 0 && errno != EEXIST {
      throw .system("make the folder", folder)
    }
    let note = Self.note(of: workspace)
    try TreeRemoval.remove(note)
    try Workspace.write(Array(([key.hex] + paths.map(\.text)).joined(separator: "\n").utf8), to: note)
    for path in paths { move(path, from: "\(folder)/\(key.hex)", to: root) }
    return attempts(key)
  }

  /// Takes what is to be kept out of a workspace whose attempt has not succeeded.
  public func take(from workspace: String) {
    let note = Self.note(of: workspace)
    guard let text = Self.text(of: note) else { return }
    let lines = text.split(separator: "\n").map(String.init)
    guard let name = lines.first, Digest("sha256:\(name)") != nil else { return }
    let place = "\(folder)/\(name)"
    mkdir(folder, 0o755)
    mkdir(place, 0o755)
    for line in lines.dropFirst() {
      guard let path = RelativePath(line) else { continue }
      move(path, from: Workspace.root(of: workspace), to: place)
    }
    rmdir(place)
    let count = (Self.text(of: "\(place).attempts").flatMap { Int($0) } ?? 0) + 1
    try? TreeRemoval.remove("\(place).attempts")
    try? Workspace.write(Array("\(count)".utf8), to: "\(place).attempts")
    unlink(note)
  }

  /// Nothing of a workspace is to be kept any more: its step has made its result.
  public func release(_ workspace: String) { unlink(Self.note(of: workspace)) }

  /// Forgets what was kept under a key: the step has succeeded, or begins anew.
  public func drop(_ key: Digest) {
    try? TreeRemoval.remove("\(folder)/\(key.hex)")
    try? TreeRemoval.remove("\(folder)/\(key.hex).attempts")
  }

  /// How many attempts under a key have ended without success and left something.
  public func attempts(_ key: Digest) -> Int { Self.text(of: "\(folder)/\(key.hex).attempts").flatMap { Int($0) } ?? 0 }

  /// Removes what no attempt has come back for in so many seconds before an instant (both of the machine's clock).
  public func sweep(olderThan age: Int64, before now: Int64) {
    guard let stream = opendir(folder) else { return }
    var names: [String] = []
    while let entry = readdir(stream) { names.append(entryName(entry)) }
    closedir(stream)
    for name in names where name != "." && name != ".." {
      var status = stat()
      guard lstat("\(folder)/\(name)", &status) == 0, now - Int64(status.st_mtim.tv_sec) > age else { continue }
      try? TreeRemoval.remove("\(folder)/\(name)")
    }
  }

  /// Takes what is to be kept out of the workspaces of a run that has ended without doing so itself.
  func rescue(_ run: String) {
    guard let stream = opendir(run) else { return }
    var names: [String] = []
    while let entry = readdir(stream) { names.append(entryName(entry)) }
    closedir(stream)
    for name in names where name != "." && name != ".." { take(from: "\(run)/\(name)") }
  }

  // A step may have put a link where the file should be, or on the way to it: nothing is followed.
  private func move(_ path: RelativePath, from old: String, to new: String) {
    var parents: [RelativePath] = []
    var parent = path.parent
    while !parent.text.isEmpty {
      parents.append(parent)
      parent = parent.parent
    }
    for parent in parents.reversed() {
      guard Self.kind(parent.absolute(in: old)) == S_IFDIR else { return }
      mkdir(parent.absolute(in: new), 0o755)
      guard Self.kind(parent.absolute(in: new)) == S_IFDIR else { return }
    }
    let kind = Self.kind(path.absolute(in: old))
    guard kind == S_IFREG || kind == S_IFDIR else { return }
    let place = path.absolute(in: new)
    if rename(path.absolute(in: old), place) != 0,
      errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR || errno == EISDIR
    {
      try? TreeRemoval.remove(place)
      _ = rename(path.absolute(in: old), place)
    }
  }

  private static func kind(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  private static func text(of path: String) -> String? {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = read(file, &bytes, bytes.count)
    return count < 0 ? nil : String(validating: bytes.prefix(count), as: UTF8.self)
  }
}
