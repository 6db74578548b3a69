package mllibpy.algorithm.als

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

/** The choice of a strategy, on clusters from a laptop to a thousand nodes, without any of them. */
class StrategyCostSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private final val GiB = 1L << 30

  private val ml1m = Shape(6040, 3706, 1000209, 10, 10)
  private val ml20m = Shape(138493, 26744, 20000263, 64, 10)
  private val netflix = Shape(480189, 17770, 100480507, 100, 10)
  private val shop = Shape(20000000, 2000000, 2000000000L, 64, 10)
  private val crowd = Shape(100000000, 10000, 2000000000L, 16, 10)
  private val web = Shape(30000000, 10000000, 10000000000L, 64, 10)

  private val laptop = local(cores = 8, memory = 8 * GiB)
  private def local(cores: Int, memory: Long) = ClusterFacts(1, cores, memory, memory, local = true)
  private def nodes(n: Int, cores: Int, memory: Long, driver: Long = 32 * GiB) =
    ClusterFacts(n, cores, memory, driver, local = false)

  private def of(strategy: String, s: Shape, c: ClusterFacts) =
    StrategyCost.all(s, c).find(_.strategy == strategy).get
  private def chosen(s: Shape, c: ClusterFacts) = StrategyCost.choose(StrategyCost.all(s, c))

  private val shapes = for {
    users <- Gen.choose(1L, 100000L)
    items <- Gen.choose(1L, 100000L)
    ratings <- Gen.choose(Math.max(users, items), 100000000L)
    rank <- Gen.choose(1, 200)
    weighted <- Gen.oneOf(false, true)
  } yield Shape(users, items, ratings, rank, 10, weighted)
  private val clusters = for {
    executors <- Gen.choose(1, 1000)
    cores <- Gen.choose(1, 32)
    memory <- Gen.choose(GiB, 64 * GiB)
  } yield nodes(executors, cores, memory)

  test("all are priced, and none for nothing") {
    forAll(shapes, clusters) { (s: Shape, c: ClusterFacts) =>
      val all = StrategyCost.all(s, c)
      assert(all.map(_.strategy) == Seq("broadcast", "data-parallel", "blocked", "hybrid"))
      for (x <- all)
        assert(
          x.seconds > 0 && x.layoutBytes > 0 && x.bytesPerIteration > 0 && x.executorMemory > 0 && x.driverMemory > 0
        )
    }
  }

  test("more ratings, rows, rank or iterations never cost less") {
    forAll(shapes, clusters) { (s: Shape, c: ClusterFacts) =>
      val larger = Seq(
        s.copy(ratings = s.ratings * 2),
        s.copy(users = s.users + 1000),
        s.copy(items = s.items * 2),
        s.copy(rank = s.rank + 1),
        s.copy(iterations = s.iterations + 1)
      )
      for (l <- larger; (a, b) <- StrategyCost.all(s, c).zip(StrategyCost.all(l, c)))
        assert(
          b.seconds >= a.seconds && b.layoutBytes >= a.layoutBytes && b.bytesPerIteration >= a.bytesPerIteration &&
            b.executorMemory >= a.executorMemory && b.driverMemory >= a.driverMemory,
          s"$l ${a.strategy}"
        )
    }
  }

  test("more executors never take longer nor more memory each; nor does a faster network or core") {
    forAll(shapes, clusters) { (s: Shape, c: ClusterFacts) =>
      for (
        (a, b) <- StrategyCost
          .all(s, c)
          .zip(StrategyCost.all(s, c.copy(executors = c.executors * 2)))
      )
        assert(
          b.seconds <= a.seconds * (1 + 1e-9) && b.executorMemory <= a.executorMemory + 2,
          a.strategy
        )
      for (
        f <- Seq(c.copy(bandwidth = c.bandwidth * 2), c.copy(flops = c.flops * 2));
        (a, b) <- StrategyCost.all(s, c).zip(StrategyCost.all(s, f))
      )
        assert(b.seconds <= a.seconds, a.strategy)
    }
  }

  test("what is spread over executors gets faster with them") {
    // A layout and little else; then arithmetic and little else.
    val (one, many) = (nodes(1, 1, GiB), nodes(50, 1, GiB))
    for (s <- Seq(Shape(1000, 1000, 1000000000L, 1, 1), Shape(1000, 1000, 1000000, 1000, 10)))
      for (strategy <- Seq("data-parallel", "blocked"))
        assert(of(strategy, s, many).seconds < of(strategy, s, one).seconds / 20, s"$s $strategy")
  }

  test(
    "broadcast moves what data-parallel moves and the ratings besides: it never wins where both fit"
  ) {
    forAll(shapes, clusters) { (s: Shape, c: ClusterFacts) =>
      assert(of("broadcast", s, c).seconds > of("data-parallel", s, c).seconds)
      assert(chosen(s, c).strategy != "broadcast" || !of("data-parallel", s, c).feasible)
    }
  }

  test("what is too large for an executor or the driver is ruled out, and says why") {
    val small = of("broadcast", netflix, nodes(10, 16, GiB))
    assert(small.why.contains("needs 1913 MiB in an executor that has 1024 MiB"))
    assert(!small.feasible && !small.impossible)
    val driver = of("data-parallel", netflix, nodes(10, 16, 38 * GiB, driver = 100 << 20))
    assert(driver.why.contains("needs 380 MiB in the driver that has 100 MiB"))
    assert(of("blocked", netflix, nodes(10, 16, 38 * GiB, driver = 200 << 20)).feasible)
    // In local mode driver and executor are one.
    assert(
      of("broadcast", ml20m, local(2, 2 * GiB)).feasible && !of(
        "broadcast",
        ml20m,
        local(2, 700 << 20)
      ).feasible
    )
  }

  test("what no array holds is impossible in any memory") {
    val big = nodes(100, 16, 10000 * GiB, driver = 10000 * GiB)
    for (strategy <- Seq("broadcast", "data-parallel"))
      assert(
        of(strategy, shop, big).why.contains(
          "ships 4883 MiB of factors at once, where 2 GiB is the most"
        ) && of(strategy, shop, big).impossible
      )
    assert(of("blocked", shop, big).feasible)
    val wider = shop.copy(rank = 128)
    assert(
      of("hybrid", crowd, big.copy(memory = 10000 * GiB)).feasible && of(
        "hybrid",
        shop,
        big
      ).feasible
    )
    for (x <- StrategyCost.all(wider, big) ++ StrategyCost.all(wider, local(64, 10000 * GiB))) {
      assert(x.impossible)
      assert(
        x.why.contains(
          "makes a model of 20000000 rows of rank 128, where one array holds 2^31 numbers"
        )
      )
    }
    // Padding counts: rank 65 is 80 numbers in memory.
    assert(of("blocked", Shape(30000000, 1, 30000000, 65, 1), big).impossible)
    assert(!of("blocked", Shape(30000000, 1, 30000000, 64, 1), big).impossible)
    // In local mode nothing is shipped.
    assert(of("data-parallel", shop, local(64, 10000 * GiB)).feasible)
  }

  // From one core to a thousand nodes of 16.
  private val table = Seq(
    ("a small set on a laptop", ml1m, laptop, "data-parallel"),
    ("a small set on two small workers", ml1m, nodes(2, 2, 600L << 20, GiB), "data-parallel"),
    ("a small set on a thousand nodes", ml1m, nodes(1000, 16, 38 * GiB), "data-parallel"),
    ("20 million ratings on two cores", ml20m, local(2, 4 * GiB), "data-parallel"),
    ("20 million ratings on ten nodes", ml20m, nodes(10, 16, 38 * GiB), "data-parallel"),
    ("100 million ratings on a large machine", netflix, local(64, 128 * GiB), "data-parallel"),
    ("100 million ratings on ten nodes", netflix, nodes(10, 16, 38 * GiB), "data-parallel"),
    (
      "100 million ratings, models too large for the executors",
      netflix,
      nodes(100, 1, 300L << 20),
      "blocked"
    ),
    (
      "100 million ratings, models too large for the driver",
      netflix,
      nodes(10, 16, 38 * GiB, 256L << 20),
      "blocked"
    ),
    ("2 billion ratings on a hundred nodes", shop, nodes(100, 16, 38 * GiB), "blocked"),
    ("2 billion ratings on a thousand nodes", shop, nodes(1000, 16, 38 * GiB), "blocked"),
    ("many users, few items, on fifty nodes", crowd, nodes(50, 16, 38 * GiB), "hybrid"),
    ("few users, many items", crowd.copy(10000, 100000000), nodes(50, 16, 38 * GiB), "hybrid"),
    ("10 billion ratings on a thousand nodes", web, nodes(1000, 16, 38 * GiB), "blocked")
  )
  for ((name, shape, cluster, right) <- table)
    test(s"$name: $right") {
      val c = chosen(shape, cluster)
      assert(c.strategy == right && c.feasible)
      for (
        other <- StrategyCost.all(shape, cluster) if other.feasible && other.strategy != "hybrid"
      )
        assert(other.seconds >= c.seconds)
    }

  test(
    "where none fits: the least memory, and the ratings are not gathered where they could stay"
  ) {
    // On one machine broadcast and data-parallel need the same; the second leaves more to the disk.
    val crowded = chosen(netflix, local(2, GiB))
    assert(!crowded.feasible && crowded.strategy == "data-parallel")
    val workers = chosen(web, nodes(4, 4, 2 * GiB, driver = 2 * GiB))
    assert(!workers.feasible && workers.strategy == "blocked")
    assert(chosen(shop, nodes(1, 1, GiB)).strategy == "blocked")
  }

  test("the hybrid moves least where one side is small, and lays out once") {
    val cluster = nodes(50, 16, 38 * GiB)
    val all = StrategyCost.all(crowd, cluster).map(c => c.strategy -> c).toMap
    val hybrid = all("hybrid")
    for (other <- all.values if other != hybrid) {
      assert(hybrid.bytesPerIteration < other.bytesPerIteration / 10, other.strategy)
      assert(hybrid.layoutBytes <= other.layoutBytes / 2)
    }
    // Factors of the items out to 50 executors and back, and 16 * 17 / 2 + 16 numbers for each
    // item from each of 800 blocks.
    assert(hybrid.bytesPerIteration == 10000L * 16 * 4 * 51 + 800L * 10000 * (136 + 16) * 4)
    // Sides may be exchanged.
    assert(of("hybrid", crowd.copy(users = 10000, items = 100000000), cluster) == hybrid)
  }

  test("the hybrid is ruled out where rows are not solved from their equations") {
    val c = nodes(50, 16, 38 * GiB)
    val other = crowd.copy(exact = false)
    assert(of("hybrid", other, c).impossible && chosen(other, c).strategy != "hybrid")
    assert(of("hybrid", other, c).why.get.contains("normal equations"))
  }

  test("the hybrid is taken where it is twice as fast as what gives the same bits everywhere") {
    def cost(strategy: String, seconds: Double) =
      StrategyCost(strategy, 1, 1, 1, 1, seconds, None, impossible = false)
    def taken(hybrid: Double) =
      StrategyCost.choose(Seq(cost("blocked", 4), cost("hybrid", hybrid))).strategy
    assert(taken(1.9) == "hybrid" && taken(2.1) == "blocked" && taken(4.1) == "blocked")
    // In one process nothing crosses a network.
    for (
      s <- Seq(ml1m, ml20m, netflix, crowd.copy(users = 300000, ratings = 2000000)); c <- Seq(2, 64)
    )
      assert(chosen(s, local(c, 128 * GiB)).strategy == "data-parallel", s"$s")
  }

  test("weights are moved and held too") {
    val c = nodes(10, 16, 38 * GiB)
    val plain = StrategyCost.all(netflix, c)
    for ((a, b) <- plain.zip(StrategyCost.all(netflix.copy(weighted = true), c))) {
      val sides = if (a.strategy == "hybrid") 1 else 2
      val shipped = if (a.strategy == "broadcast") 2 * netflix.ratings * 4 * 11 else 0L
      assert(b.layoutBytes - a.layoutBytes == sides * netflix.ratings * 4 + shipped)
      val executors = if (a.strategy == "broadcast") 1 else 10
      assert(Math.abs(b.executorMemory - a.executorMemory - 8 * netflix.ratings / executors) <= 1)
      assert(b.seconds > a.seconds && b.bytesPerIteration == a.bytesPerIteration)
    }
  }

  test("bytes are shown in a unit that fits") {
    assert(
      Seq(2048L, 5L << 20, 300L << 20, 9L << 30, 25L << 30).map(StrategyCost.show) ==
        Seq("2 KiB", "5120 KiB", "300 MiB", "9216 MiB", "25.0 GiB")
    )
  }

  // Seconds of whole fits of 5 iterations: data-parallel, broadcast, blocked, hybrid, on two threads
  // of one JVM and on two executors (bench/results/strategies.json).
  private val measured = Seq(
    (Shape(6000, 3700, 1000000, 64, 5), (1.57, 1.71, 1.98, 2.47), (4.26, 5.25, 4.24, 4.16)),
    (Shape(6000, 3700, 1000000, 16, 5), (0.90, 0.82, 1.25, 0.92), (1.45, 1.43, 2.12, 2.01)),
    (Shape(100000, 20000, 2000000, 32, 5), (2.77, 2.80, 3.38, 3.47), (4.16, 4.89, 5.21, 5.61)),
    (Shape(300000, 1000, 2000000, 32, 5), (3.54, 3.51, 4.40, 3.38), (10.17, 10.04, 7.29, 5.42)),
    (Shape(20000, 100000, 2000000, 64, 5), (3.93, 4.11, 4.88, 8.04), (6.18, 7.39, 7.49, 12.61))
  )

  test("of shapes that were measured, the fastest is chosen, or one within 20%") {
    for (
      (shape, here, there) <- measured;
      (cluster, (data, all, joined, both)) <- Seq(
        local(2, 3 * GiB) -> here,
        nodes(2, 1, 2 * GiB, driver = 3 * GiB) -> there
      )
    ) {
      val seconds =
        Map("data-parallel" -> data, "broadcast" -> all, "blocked" -> joined, "hybrid" -> both)
      val strategy = chosen(shape, cluster).strategy
      assert(seconds(strategy) <= 1.2 * seconds.values.min, s"$shape $cluster: $strategy")
    }
  }
}
