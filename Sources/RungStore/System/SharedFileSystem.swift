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
}
