import Glibc
import RungCore
import RungStore

/// A Python interpreter of the machine: found, and asked what it is.
struct PythonInterpreter {
  /// Absolute, symbolic links resolved.
  let path: String
  private let status: stat

  /// What an interpreter says about itself.
  struct Facts {
    /// For example `CPython 3.11.2`.
    var version: String
    /// For example `linux-x86_64 glibc 2.36`.
    var platform: String
    /// Of the interpreter's file.
    var digest: Digest?
  }

  /// See `PythonEnvironments.identify`.
  static func find(_ wanted: String?, path: String) throws(EnvironmentError) -> PythonInterpreter {
    let name = wanted ?? "python3"
    let candidates =
      name.contains("/") ? [name] : path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
    var passedOver: [String] = []
    for candidate in candidates {
      guard let real = realpath(candidate, nil) else { continue }
      defer { free(real) }
      let resolved = String(cString: real)
      var status = stat()
      guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(resolved, X_OK) == 0 else {
        continue
      }
      if isNative(resolved) { return PythonInterpreter(path: resolved, status: status) }
      passedOver.append(candidate)
    }
    if let script = passedOver.first {
      throw EnvironmentError(
        "'\(script)' is a script, not a Python interpreter; name the interpreter itself under "
          + "'environment: {interpreter: …}' in the pipeline file", isMachineFault: true)
    }
    throw EnvironmentError(
      name.contains("/")
        ? "there is no Python interpreter '\(name)'"
        : "no Python interpreter '\(name)' on PATH (\(path)); on Debian install it with: apt install python3",
      isMachineFault: true)
  }

  /// What the interpreter says, from `memo` when the file is the one that was asked.
  func facts(memo: PythonEnvironments.Memo) throws(EnvironmentError) -> Facts {
    let key = [
      "python/1", path, "\(status.st_dev)", "\(status.st_ino)", "\(status.st_size)",
      "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)", "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)",
    ].joined(separator: " ")
    if let known = memo.get(key), let facts = Self.parse(known) { return facts }
    var facts = try ask()
    facts.digest = try? ObjectStore.digest(ofFileAt: path).digest
    memo.set(key, [facts.version, facts.platform, facts.digest?.description ?? "-"].joined(separator: "\t"))
    return facts
  }

  private static func parse(_ text: String) -> Facts? {
    let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    return Facts(version: String(parts[0]), platform: String(parts[1]), digest: Digest(parts[2]))
  }

  // -I and -S: neither the user's nor the site's Python code has a say in the answer.
  private static let question = """
    import platform, sysconfig
    libc = " ".join(platform.libc_ver()) or "unknown libc"
    print(platform.python_implementation(), platform.python_version(), sep=" ")
    print(sysconfig.get_platform(), libc, sep=" ")
    """

  private func ask() throws(EnvironmentError) -> Facts {
    let answer: BuildTool.Answer
    do {
      answer = try BuildTool.run([path, "-I", "-S", "-c", Self.question], in: "/", variables: [("LC_ALL", "C")])
    } catch {
      throw EnvironmentError("cannot ask '\(path)' for its version: \(error)", isMachineFault: true)
    }
    guard answer.end == .exited(0), answer.lines.count == 2,
      let facts = Self.parse(answer.lines.joined(separator: "\t") + "\t-")
    else {
      throw EnvironmentError(
        (["'\(path)' does not answer as a Python 3 interpreter should (\(BuildTool.words(for: answer.end)))"]
          + answer.lines).joined(separator: "\n"), isMachineFault: true)
    }
    return facts
  }

  private static func isNative(_ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var magic: [UInt8] = [0, 0, 0, 0]
    return read(file, &magic, 4) == 4 && magic == [0x7f, 0x45, 0x4c, 0x46]
  }
}
