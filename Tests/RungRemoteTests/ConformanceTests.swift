import Testing

/// One suite for every kind of remote.
@Suite struct ConformanceTests {
  @Test(arguments: Story.allCases) func folder(_ story: Story) throws { try story.tell(Place(.folder)) }

  @Test(.enabled(if: WebServer.isThere, "nginx-light is not installed"), arguments: Story.allCases)
  func web(_ story: Story) throws { try story.tell(Place(.web)) }

  @Test(arguments: Story.allCases) func ssh(_ story: Story) throws { try story.tell(Place(.ssh)) }

  @Test(.enabled(if: Program.isInstalled("/usr/bin/rclone"), "rclone is not installed"), arguments: Story.allCases)
  func rclone(_ story: Story) throws { try story.tell(Place(.rclone)) }
}
