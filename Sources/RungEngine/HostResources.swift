internal import CLinux
import Glibc
import RungCore

/// What this machine has, as far as steps ask for it.
public struct HostResources: Sendable {
  /// The host's name.
  public var name: String
  /// Processors that this process may use.
  public var processors: Int
  /// Main memory in bytes.
  public var memory: Int64
  /// GPU device ids: those of CUDA_VISIBLE_DEVICES when it is set, else one for each NVIDIA device node.
  public var gpus: [String]

  /// What is here now.
  public static func detect(environment: [String: String]) -> HostResources {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let processors = Int(rung_usable_processors())
    let memory = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    var gpus: [String] = []
    if let visible = environment["CUDA_VISIBLE_DEVICES"] {
      gpus = visible.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty && $0 != "-1" }
    } else {
      while access("/dev/nvidia\(gpus.count)", F_OK) == 0 { gpus.append("\(gpus.count)") }
    }
    return HostResources(
      name: String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
      processors: max(1, processors), memory: memory, gpus: gpus)
  }
}
