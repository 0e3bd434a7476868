import Glibc
import RungCore

/// The program `rung-step`, and what it can do on this host.
public struct StepLauncher: Sendable {
  /// Where it lies, absolute.
  public let path: String

  /// Looks for it: `RUNG_STEP` names another one (for packagers); else beside this program, or in ../libexec/rung from
  /// there. Nil when there is none.
  public static func find(variables: [String: String]) -> StepLauncher? {
    if let chosen = variables["RUNG_STEP"], !chosen.isEmpty {
      return access(chosen, X_OK) == 0 ? StepLauncher(path: chosen) : nil
    }
    guard let own = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(own) }
    let folder = String(cString: own).split(separator: "/").dropLast().joined(separator: "/")
    let places = ["/\(folder)/rung-step", "/\(folder)/../libexec/rung/rung-step"]
    return places.first { access($0, X_OK) == 0 }.map(StepLauncher.init(path:))
  }

  /// Tries everything that steps may be given, in processes of its own. `folder` lies in the cache and is emptied.
  ///
  /// A launcher that cannot be run, or answers in words that are not understood, gives a host of which nothing is known.
  public func probe(folder: String) -> HostAbilities {
    do {
      try TreeRemoval.remove(folder)
      guard mkdir(folder, 0o755) == 0 else { throw ExecError.system("make the folder", folder) }
      defer { try? TreeRemoval.remove(folder) }
      let answer = try BuildTool.run([path, "probe", folder], in: "/", variables: [])
      let text = answer.lines.joined(separator: "\n")
      guard answer.end == .exited(0), let abilities = HostAbilities(text: text) else {
        return HostAbilities(problem: "\(path) does not answer as it should (\(BuildTool.words(for: answer.end)))")
      }
      return abilities
    } catch {
      return HostAbilities(problem: "\(error)")
    }
  }

  /// What the abilities depend on, as one text: the boot, the user, the namespaces that this process is in, the kernel's
  /// settings, and where the cache lies. The same text, the same abilities.
  public func circumstances(folder: String) -> String {
    var status = stat()
    stat(folder, &status)
    var program = stat()
    stat(path, &program)
    let parts = [
      Self.read("/proc/sys/kernel/random/boot_id"), Self.link("/proc/self/ns/user"), Self.link("/proc/self/ns/mnt"),
      "\(geteuid())", Self.limits(), Self.settings(), "\(status.st_dev)",
      "\(program.st_ino) \(program.st_size) \(program.st_mtim.tv_sec).\(program.st_mtim.tv_nsec)",
    ]
    return parts.joined(separator: " ")
  }

  // What an administrator who reads `rung doctor` changes, without a new boot.
  private static func settings() -> String {
    let names = [
      "user/max_user_namespaces", "user/max_mnt_namespaces", "user/max_pid_namespaces", "user/max_net_namespaces",
      "kernel/unprivileged_userns_clone", "kernel/apparmor_restrict_unprivileged_userns", "kernel/yama/ptrace_scope",
    ]
    let values = names.map { name in read("/proc/sys/\(name)").filter { $0 != "\n" } }
    let profile = read("/proc/self/attr/current").filter { $0 != "\n" }
    return (values + [profile]).joined(separator: ",")
  }

  // The capabilities, seccomp mode and no_new_privs of this process.
  private static func limits() -> String {
    let names = ["CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"]
    return read("/proc/self/status").split(separator: "\n").filter { line in names.contains { line.hasPrefix($0) } }
      .map { $0.filter { $0 != "\t" } }.joined(separator: " ")
  }

  private static func read(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = Glibc.read(file, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).filter { $0 != "\0" }
  }

  private static func link(_ path: String) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = readlink(path, &buffer, 255)
    return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
  }
}
