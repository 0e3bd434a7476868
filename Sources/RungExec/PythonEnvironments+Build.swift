internal import CRungLaunch
import Glibc
import RungCore

extension PythonEnvironments {
  /// Builds an environment that is not there yet, once however many threads and processes want it: the others wait and
  /// find it done. Returns at once when it is there.
  ///
  /// uv builds it when the caller's PATH has one, else the interpreter's own venv and pip. With `--hash=` in the lock
  /// every package has to match a hash. What an interrupted build left is wiped first. `progress` is told, in a few
  /// words, what is being done.
  public func build(
    _ environment: PythonEnvironment, lock: [UInt8], progress: (String) -> Void = { _ in }
  ) throws(EnvironmentError) {
    if isBuilt(environment) { return }
    guard Digest(of: lock) == environment.lockDigest else {
      throw EnvironmentError(
        "the lock file changed after the environment was identified; run again", isMachineFault: false)
    }
    do {
      try makeFolders(folder)
      let held = try BuildLock(path: "\(environment.folder).lock") { progress("waiting for another build of it") }
      defer { held.release() }
      if isBuilt(environment) { return }
      try TreeRemoval.remove(environment.folder)
      try install(environment, lock: lock, progress)
      seal(environment.folder)
      try complete(environment)
    } catch let error as EnvironmentError {
      throw error
    } catch {
      throw EnvironmentError("cannot build the Python environment: \(error)", isMachineFault: true)
    }
  }

  private func install(_ environment: PythonEnvironment, lock: [UInt8], _ progress: (String) -> Void) throws {
    let lockFile = "\(environment.folder).txt"
    try TreeRemoval.remove(lockFile)
    try Workspace.write(lock, to: lockFile)
    defer { unlink(lockFile) }

    let packages = Self.packageLines(lock)
    let pinned = packages.contains { $0.contains("--hash=") }
    let python = "\(environment.binFolder)/python"
    if let uv = find("uv") {
      // Copies, not links into uv's own cache: an environment shares no inode with anything that others can write.
      progress("making a Python environment with uv")
      try run(
        [uv, "venv", "--quiet", "--no-project", "--python", environment.interpreterPath, environment.folder],
        "make the environment")
      if packages.isEmpty { return }
      progress("installing \(packages.count) packages with uv")
      try run(
        [uv, "pip", "install", "--python", python, "--no-deps", "--compile-bytecode", "--link-mode", "copy"]
          + (pinned ? ["--require-hashes"] : []) + ["-r", lockFile], "install the packages", "uv")
    } else {
      progress("making a Python environment")
      let answer = try BuildTool.run(
        [environment.interpreterPath, "-m", "venv", environment.folder], in: "/", variables: quietVariables)
      if answer.end != .exited(0) { throw venvFailure(answer, environment) }
      if packages.isEmpty { return }
      progress("installing \(packages.count) packages with pip")
      try run(
        [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", "--compile"]
          + (pinned ? ["--require-hashes"] : []) + ["-r", lockFile], "install the packages", "pip")
    }
  }

  private func run(_ command: [String], _ purpose: String, _ tool: String = "uv") throws {
    let answer = try BuildTool.run(command, in: "/", variables: quietVariables)
    if answer.end == .exited(0) { return }
    throw EnvironmentError(
      (["\(tool) could not \(purpose) (\(BuildTool.words(for: answer.end)))"] + answer.lines).joined(separator: "\n"),
      isMachineFault: answer.lines.contains { $0.contains("No space left") })
  }

  // PYTHONDONTWRITEBYTECODE would leave every step to compile the packages again; the others would let a user's own
  // settings for Python into an environment that its identity does not tell apart.
  private var quietVariables: [(name: String, value: String)] {
    let left = ["PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV"]
    return variables.filter { !left.contains($0.name) }
  }

  private func venvFailure(_ answer: BuildTool.Answer, _ environment: PythonEnvironment) -> EnvironmentError {
    let text = answer.lines.joined(separator: "\n")
    if text.contains("ensurepip") || text.contains("No module named venv") {
      return EnvironmentError(
        "\(environment.interpreterPath) cannot make environments: its venv module is not complete; on Debian install it "
          + "with: apt install python3-venv\n\(text)", isMachineFault: true)
    }
    return EnvironmentError(
      "\(environment.interpreterPath) could not make an environment (\(BuildTool.words(for: answer.end)))\n\(text)",
      isMachineFault: true)
  }

  // What a lock file asks for: its lines without comments, options of the whole file, and continuations.
  static func packageLines(_ lock: [UInt8]) -> [String] {
    String(decoding: lock, as: UTF8.self)
      .replacing("\\\r\n", with: " ").replacing("\\\n", with: " ")
      .split(whereSeparator: \.isNewline)
      .map { line in String(line.drop { $0 == " " || $0 == "\t" }) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") && !$0.hasPrefix("-") }
  }

  private func find(_ program: String) -> String? {
    let path = variables.last { $0.name == "PATH" }?.value ?? ""
    return path.split(separator: ":").map { "\($0)/\(program)" }.first { $0.hasPrefix("/") && access($0, X_OK) == 0 }
  }

  // Steps share the files: none of them may change one by accident. Folders stay writable for their owner, so that the
  // cache can be removed by ordinary means.
  private func seal(_ folder: String) {
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = entryName(entry)
      if name == "." || name == ".." { continue }
      let path = "\(folder)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: seal(path)
      case S_IFREG: chmod(path, status.st_mode & 0o555)
      default: continue
      }
    }
  }

  // The marker's name appears when the files are on the disk: an environment that a power cut damaged would be believed
  // for ever.
  private func complete(_ environment: PythonEnvironment) throws(ExecError) {
    let folder = open(environment.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder < 0 { throw .system("open", environment.folder) }
    defer { close(folder) }
    if rung_sync(folder) != 0 { throw .system("sync", environment.folder) }
    try Workspace.write(
      Array("\(environment.interpreterVersion) \(environment.platform)\n".utf8), to: Self.marker(of: environment))
    if fsync(folder) != 0 { throw .system("sync", environment.folder) }
  }

  private func makeFolders(_ path: String) throws(ExecError) {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw .system("make the folder", path)
    }
    try makeFolders(String(path[..<slash]))
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw .system("make the folder", path) }
  }
}

/// A lock file held by this thread: the kernel lets go of it however the holder ends.
struct BuildLock {
  private let file: Int32

  /// Waits until nobody else holds it; `waiting` is called first when somebody does.
  init(path: String, waiting: () -> Void) throws(ExecError) {
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    if file < 0 { throw .system("make", path) }
    if flock(file, LOCK_EX | LOCK_NB) == 0 { return }
    waiting()
    while flock(file, LOCK_EX) != 0 {
      if errno == EINTR { continue }
      let code = errno
      close(file)
      throw .system("lock", path, code)
    }
  }

  func release() { close(file) }
}
