import Glibc
import Synchronization

/// The folder of one run's workspaces, held by a lock for as long as the run lives.
///
/// Below a common root, run N has the folder `NAME` and beside it the file `NAME.lock`, which it holds by flock. The
/// kernel lets go of the lock however the run ends; a later run that can take it knows that nobody uses the folder.
public final class WorkspaceFolder: Sendable {
  /// The run's folder, absolute if the root is.
  public let path: String
  private let lockPath: String
  private let lock: Int32
  private let count = Atomic<Int>(0)
  private let clean = Mutex<[String]>([])

  /// Makes a folder below `root`, which is made too if its parent exists.
  public init(under root: String) throws(ExecError) {
    if mkdir(root, 0o755) != 0 && errno != EEXIST { throw .system("make the folder", root) }
    while true {
      let name = "\(getpid())-" + String(UInt32.random(in: .min ... .max), radix: 36)
      let lockPath = "\(root)/\(name).lock"
      let lock = open(lockPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if lock < 0 {
        if errno == EEXIST { continue }
        throw .system("make", lockPath)
      }
      // Somebody who sweeps may take the file in the instant before we hold it, and removes it then: another name is
      // tried. The folder is made once the lock is sure.
      let held = flock(lock, LOCK_EX | LOCK_NB) == 0
      let code = errno
      guard held, isStillNamed(lock, lockPath) else {
        close(lock)
        if held || code == EWOULDBLOCK || code == EINTR { continue }
        throw .system("lock", lockPath, code)
      }
      let path = "\(root)/\(name)"
      if mkdir(path, 0o755) != 0 {
        let code = errno
        unlink(lockPath)
        close(lock)
        throw .system("make the folder", path, code)
      }
      self.path = path
      self.lockPath = lockPath
      self.lock = lock
      return
    }
  }

  /// A path in the folder that was never given before; nothing is there.
  public func nextWorkspace() -> String {
    "\(path)/\(count.add(1, ordering: .relaxed).newValue)"
  }

  /// A workspace that nobody uses: one given back, or a new path.
  public func take() -> String {
    clean.withLock { $0.popLast() } ?? nextWorkspace()
  }

  /// Takes back a workspace whose step has ended, with all its processes: emptied for the next step, or removed where
  /// that does not leave it as new. `mountPoints` are those of its last step's result.
  public func giveBack(_ workspace: String, keeping mountPoints: [String] = []) {
    if Workspace.recycle(workspace, keeping: mountPoints) {
      clean.withLock { $0.append(workspace) }
    } else {
      try? discardWorkspace(workspace)
    }
  }

  // What is left behind here, on failure, the next sweep removes.
  deinit {
    try? TreeRemoval.remove(path)
    unlink(lockPath)
    close(lock)
  }
}

/// Removes a workspace and the log beside it. Nothing there is not an error.
public func discardWorkspace(_ workspace: String) throws(ExecError) {
  try TreeRemoval.remove(workspace)
  try TreeRemoval.remove(Workspace.log(of: workspace))
}

/// Removes the folders below `root` (made by `WorkspaceFolder`) whose runs have ended, and returns how many there were.
/// Folders of living runs are never touched, whichever process they belong to; anything else in `root` stays. What
/// cannot be removed is left for the next time. Checkpoints that steps keep are taken out first.
@discardableResult
public func sweepWorkspaces(under root: String, keeping kept: KeptFiles? = nil) -> Int {
  guard let stream = opendir(root) else { return 0 }
  var names: [String] = []
  while let entry = readdir(stream) { names.append(entryName(entry)) }
  closedir(stream)

  var swept = 0
  for name in names where name.hasSuffix(".lock") {
    let lockPath = "\(root)/\(name)"
    let lock = open(lockPath, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard lock >= 0 else { continue }
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0, isStillNamed(lock, lockPath) else { continue }
    kept?.rescue("\(root)/\(name.dropLast(5))")
    do { try TreeRemoval.remove("\(root)/\(name.dropLast(5))") } catch { continue }
    unlink(lockPath)
    swept += 1
  }
  return swept
}

// True when `path` still names the open file: else somebody removed it after we opened it, and its lock means nothing.
private func isStillNamed(_ file: Int32, _ path: String) -> Bool {
  var ours = stat()
  var named = stat()
  guard fstat(file, &ours) == 0, stat(path, &named) == 0 else { return false }
  return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino
}
