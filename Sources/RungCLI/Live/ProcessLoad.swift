import Glibc

/// What the processes below this one use, read from /proc (proc_pid_stat(5)).
struct ProcessLoad {
  private var before: [pid_t: UInt64] = [:]
  private var at: Int64 = 0

  /// Processors' worth since the last call and bytes resident now; nil the first time, and where there is no /proc.
  mutating func sample(at now: Int64) -> LiveScreen.Load? {
    let processes = Self.below(getpid())
    var used: UInt64 = 0
    var pages: Int64 = 0
    for process in processes {
      // What ended in between is missed: it was short.
      used += process.ticks - min(process.ticks, before[process.id] ?? 0)
      pages += process.pages
    }
    defer {
      before = Dictionary(processes.map { ($0.id, $0.ticks) }, uniquingKeysWith: { first, _ in first })
      at = now
    }
    guard at > 0, now > at, !processes.isEmpty else { return nil }
    let seconds = Double(used) / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    return LiveScreen.Load(
      processors: seconds / (Double(now - at) / 1e9), memory: pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
  }

  private struct Process {
    let id: pid_t
    let parent: pid_t
    let ticks: UInt64
    let pages: Int64
  }

  private static func below(_ root: pid_t) -> [Process] {
    guard let folder = opendir("/proc") else { return [] }
    defer { closedir(folder) }
    var children: [pid_t: [Process]] = [:]
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let id = pid_t(name), let process = stat(of: id) else { continue }
      children[process.parent, default: []].append(process)
    }
    var found: [Process] = []
    var stack = [root]
    while let parent = stack.popLast() {
      for child in children.removeValue(forKey: parent) ?? [] {
        found.append(child)
        stack.append(child.id)
      }
    }
    return found
  }

  private static func stat(of id: pid_t) -> Process? {
    let file = open("/proc/\(id)/stat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
      count = max(0, read(file, buffer.baseAddress, buffer.count))
    }
    // The name may hold anything, also spaces and parentheses: what counts begins after the last parenthesis.
    guard let end = bytes.lastIndex(of: 0x29) else { return nil }
    let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
    guard fields.count > 21, let parent = pid_t(fields[1]), let user = UInt64(fields[11]),
      let system = UInt64(fields[12]),
      let pages = Int64(fields[21])
    else { return nil }
    return Process(id: id, parent: parent, ticks: user + system, pages: pages)
  }
}
