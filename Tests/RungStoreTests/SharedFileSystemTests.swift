import Testing

@testable import RungStore

/// What mount options say of locks, read from lines as the kernel writes them.
@Suite struct SharedFileSystemTests {
  private static let mounts = """
    25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
    40 25 0:35 / /home rw,relatime shared:2 - nfs4 srv:/home rw,vers=4.2,rsize=1048576,local_lock=none,addr=10.0.0.1
    41 25 0:36 / /old rw - nfs srv:/old rw,vers=3,nolock,local_lock=all
    42 25 0:37 / /lustre rw - lustre 10.0.0.2@tcp:/fs rw,localflock
    43 25 0:38 / /scratch rw - lustre 10.0.0.2@tcp:/fs rw,flock
    44 40 0:39 / /home/tmp rw - tmpfs tmpfs rw

    """

  @Test func locksOfOneMachineAreTold() {
    func problem(_ path: String) -> String? { SharedFileSystem.lockProblem(of: path, mounts: Self.mounts) }
    #expect(problem("/var/cache") == nil)
    #expect(problem("/home/me/cache") == nil)
    #expect(problem("/home/tmp/cache") == nil)
    #expect(problem("/scratch/me") == nil)
    #expect(problem("/old/me")?.contains("'nolock'") == true)
    #expect(problem("/lustre/me")?.contains("'localflock'") == true)
    // A name that only begins alike is another place.
    #expect(problem("/older") == nil)
  }

  @Test func thisMachinesFoldersAreItsOwn() { #expect(SharedFileSystem.name(of: "/proc") == nil) }
}
