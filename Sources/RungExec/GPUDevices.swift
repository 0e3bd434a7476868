import Glibc

/// The device nodes of GPUs.
enum GPUDevices {
  /// The nodes that a step with these GPUs is given: its own by number (all of them where ids are not numbers, as UUIDs
  /// of NVIDIA are not; CUDA_VISIBLE_DEVICES keeps them apart then), and those that all share.
  static func nodes(for ids: [String]) -> [String] {
    let shared = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps", "kfd", "dri"]
    let own = ids.allSatisfy { Int($0) != nil } ? ids.map { "nvidia\($0)" } : numbered()
    return (own + shared).map { "/dev/\($0)" }.filter { access($0, F_OK) == 0 }
  }

  private static func numbered() -> [String] {
    guard let folder = opendir("/dev") else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = entryName(entry)
      if name.hasPrefix("nvidia"), Int(name.dropFirst(6)) != nil { names.append(name) }
    }
    return names.sorted()
  }
}
