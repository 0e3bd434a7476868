internal import CLinux
import Glibc

/// Tells file systems that other machines see, too.
public enum SharedFileSystem {
  // The numbers of statfs(2), those of file systems of clusters that it does not list from their own sources.
  private static let names: [UInt32: String] = [
    0x6969: "NFS", 0x0BD0_0BD0: "Lustre", 0x4750_4653: "GPFS", 0x1983_0326: "BeeGFS", 0x00C3_6400: "CephFS",
    0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x5346_414F: "AFS", 0x0116_1970: "GFS2", 0x7461_636F: "OCFS2",
    0x0102_1997: "9p", 0x6573_5546: "FUSE", 0x4C57_4954: "WekaFS",
  ]

  /// What the file system of a path is called when other machines see it, too; nil for one of this machine.
  public static func name(of path: String) -> String? {
    var status = statfs()
    guard statfs(path, &status) == 0 else { return nil }
    return names[UInt32(truncatingIfNeeded: status.f_type)]
  }

  /// Why locks on this file system are not seen by other machines, as far as its mount options tell; nil when nothing
  /// speaks against it.
  public static func lockProblem(of path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    guard let file = fopen("/proc/self/mountinfo", "re") else { return nil }
    defer { fclose(file) }
    var text = ""
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    while getline(&line, &size, file) > 0 { if let line { text += String(cString: line) } }
    return lockProblem(of: String(cString: real), mounts: text)
  }

  /// The same, of an absolute path without links and the text of /proc/PID/mountinfo (proc(5)). Pure.
  static func lockProblem(of path: String, mounts: String) -> String? {
    var best: (place: Substring, kind: Substring, options: [Substring])?
    for line in mounts.split(separator: "\n") {
      let halves = line.split(separator: " - ", maxSplits: 1)
      guard halves.count == 2 else { continue }
      let fields = halves[0].split(separator: " ")
      let tail = halves[1].split(separator: " ")
      guard fields.count > 5, tail.count > 1 else { continue }
      let place = fields[4]
      guard place == "/" || path == place || path.hasPrefix("\(place)/") else { continue }
      // Of mounts at one place the last is on top.
      if let best, best.place.utf8.count > place.utf8.count { continue }
      best = (place, tail[0], tail[tail.count - 1].split(separator: ","))
    }
    guard let best else { return nil }
    let kind = best.kind.lowercased()
    for option in best.options {
      switch option {
      case "nolock", "local_lock=all", "local_lock=posix":
        return "it is mounted with '\(option)', so that locks hold on one machine only"
      case "localflock",
        "noflock" where kind == "lustre":
        return "it is mounted with '\(option)', so that locks hold on one machine only"
      default: continue
      }
    }
    return nil
  }
}
