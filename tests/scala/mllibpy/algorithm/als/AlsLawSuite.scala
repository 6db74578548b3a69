package mllibpy.algorithm.als

import mllibpy.engine.{LocalSession, Shared}
import mllibpy.kernel.{InitialFactors, Scramble}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** The law: factors are a function of data, parameters and seed, whatever moves and however it is
  * cut.
  */
class AlsLawSuite extends AnyFunSuite with LocalSession {
  private val objectives = for (i <- Seq(false, true); n <- Seq(false, true)) yield (i, n)

  // From -1 to 3: what is not above 0 counts for explicit feedback, and weighs for implicit.
  private val triples = Samples.triples.map { case (u, i, r) => (u, i, r - 2) }

  private def fit(
      implicitly: Boolean,
      nonnegative: Boolean,
      strategy: String,
      blocks: Int,
      partitions: Int,
      some: Seq[Samples.Triple] = triples,
      more: Seq[(String, Any)] = Nil
  ): AlsModel = {
    val set = Seq(
      "rank" -> 5,
      "max_iter" -> 3,
      "reg" -> 0.05,
      "alpha" -> 1.5,
      "random_state" -> 11L,
      "implicit" -> implicitly,
      "nonnegative" -> nonnegative,
      "strategy" -> strategy,
      "num_blocks" -> blocks
    ) ++ more
    Als.fit(Samples.ratings(sc, some, partitions), Samples.params(set: _*))
  }

  private def same(a: AlsModel, b: AlsModel): Unit = {
    for (side <- Seq[AlsModel => FactorTable](_.users, _.items)) {
      assert(side(a).keys.toSeq == side(b).keys.toSeq)
      assert(side(a).rows.toSeq == side(b).rows.toSeq)
    }
    assert(a.seen.start.toSeq == b.seen.start.toSeq && a.seen.items.toSeq == b.seen.items.toSeq)
  }

  for ((implicitly, nonnegative) <- objectives)
    test(s"bit-equal factors: implicit $implicitly, nonnegative $nonnegative") {
      val one = fit(implicitly, nonnegative, "data-parallel", blocks = 1, partitions = 1)
      assert(one.users.rows.forall(x => java.lang.Float.isFinite(x) && (!nonnegative || x >= 0)))
      val shuffled = new Random(2).shuffle(triples)
      for (
        (strategy, blocks, partitions) <- Seq(
          ("broadcast", 1, 2),
          ("broadcast", 3, 1),
          ("data-parallel", 4, 3),
          ("blocked", 1, 2),
          ("blocked", 3, 4),
          ("blocked", 20, 1) // more blocks than buckets: some are empty
        )
      ) {
        val other = fit(implicitly, nonnegative, strategy, blocks, partitions, shuffled)
        assert(other.facts.strategy == strategy && other.facts.blocks == blocks)
        withClue(s"$strategy, $blocks blocks: ")(same(one, other))
        for ((x, y) <- one.facts.history.zip(other.facts.history))
          assert(Math.abs(x.objective - y.objective) <= 1e-12 * Math.abs(x.objective))
      }
    }

  test("bit-equal factors after the lineage was cut, with a checkpoint directory and without") {
    val more = Seq("max_iter" -> (Blocked.CutEvery + 2), "rank" -> 2)
    def run(strategy: String) = fit(true, true, strategy, 3, 2, more = more)
    val right = run("data-parallel")
    same(right, run("blocked"))
    withFolder { folder =>
      sc.setCheckpointDir(folder.toString)
      try {
        same(right, run("blocked"))
        val left =
          java.nio.file.Files.walk(folder).filter(java.nio.file.Files.isRegularFile(_)).count()
        assert(left == 0, "files left in the checkpoint directory")
      } finally sc.setCheckpointDir(null)
    }
  }

  /** The same in float64, row by row. */
  private def plainly(
      implicitly: Boolean,
      model: AlsModel
  ): (Map[Long, Array[Double]], Map[Long, Array[Double]]) = {
    val p = model.params
    val of = triples.map { case (u, i, r) => (u, i, r.toDouble) }
    def solve(
        mine: Seq[(Long, Long, Double)],
        fixed: Map[Long, Array[Double]]
    ): Map[Long, Array[Double]] = {
      val k = p.rank
      val gramian = Array.tabulate(k, k)((a, b) => fixed.values.map(y => y(a) * y(b)).sum)
      mine.groupBy(_._1).map { case (row, entries) =>
        val a = if (implicitly) gramian.map(_.clone) else Array.ofDim[Double](k, k)
        val b = new Array[Double](k)
        for ((_, c, r) <- entries; y = fixed(c); i <- 0 until k) {
          b(i) += (if (!implicitly) r else if (r > 0) 1 + p.alpha * r else 0.0) * y(i)
          for (j <- 0 until k) a(i)(j) += (if (implicitly) p.alpha * r.abs else 1.0) * y(i) * y(j)
        }
        for (i <- 0 until k) a(i)(i) += p.reg * entries.count(e => !implicitly || e._3 > 0)
        row -> eliminate(a, b)
      }
    }
    val ids = of.map(_._2).distinct
    val start = InitialFactors.rows(
      ids.map(Scramble.mix).toArray,
      p.rank,
      p.seed,
      Side.Item.number,
      nonnegative = false
    )
    var items = ids.zipWithIndex.map { case (id, r) =>
      id -> start.slice(r * 16, r * 16 + p.rank).map(_.toDouble)
    }.toMap
    var users = Map.empty[Long, Array[Double]]
    for (_ <- 0 until p.maxIter) {
      users = solve(of, items)
      items = solve(of.map { case (u, i, r) => (i, u, r) }, users)
    }
    (users, items)
  }

  private def eliminate(a: Array[Array[Double]], b: Array[Double]): Array[Double] = {
    for (c <- b.indices; r <- b.indices if r != c) {
      val f = a(r)(c) / a(c)(c)
      for (j <- b.indices) a(r)(j) -= f * a(c)(j)
      b(r) -= f * b(c)
    }
    b.indices.map(i => b(i) / a(i)(i)).toArray
  }

  for (implicitly <- Seq(false, true); strategy <- Seq("blocked", "hybrid"))
    test(s"the factors are those of a plain float64 ALS: $strategy, implicit $implicitly") {
      val model = fit(implicitly, nonnegative = false, strategy, blocks = 2, partitions = 2)
      val (users, items) = plainly(implicitly, model)
      for ((right, table) <- Seq((users, model.users), (items, model.items))) {
        assert(table.integerIds.toSeq == right.keys.toSeq.sorted)
        var error = 0.0
        var size = 0.0
        for (r <- 0 until table.size; j <- 0 until 5) {
          val exact = right(table.integerIds(r))(j)
          error += Math.pow(table.rows(r * 5 + j) - exact, 2)
          size += exact * exact
        }
        assert(Math.sqrt(error / size) < 1e-4)
      }
    }

  for (
    (implicitly, nonnegative) <- objectives; strategy <- Seq("data-parallel", "blocked", "hybrid")
  )
    test(
      s"the objective never rises, and ends where it is: $strategy, implicit $implicitly, nonnegative $nonnegative"
    ) {
      val model = fit(implicitly, nonnegative, strategy, 2, 2, more = Seq("max_iter" -> 6))
      val h = model.facts.history
      assert(
        h.map(r => (r.iteration, r.stage)) == (1 to 6).flatMap(i => Seq((i, "user"), (i, "item")))
      )
      for ((a, b) <- h.zip(h.drop(1))) assert(b.objective <= a.objective + 1e-6 * h.head.objective)
      assert(h.last.objective < 0.95 * h.head.objective)
      val direct = objective(model)
      assert(Math.abs(h.last.objective - direct) < 1e-5 * h.head.objective)
    }

  /** The objective of a model, over all pairs where it is implicit. */
  private def objective(m: AlsModel): Double = {
    val p = m.params
    val rated = triples.map { case (u, i, r) =>
      (m.users.rowOf(u), m.items.rowOf(i)) -> r
    }.toMap
    def row(t: FactorTable, r: Int) = t.rows.slice(r * p.rank, (r + 1) * p.rank).map(_.toDouble)
    def dot(x: Array[Double], y: Array[Double]) = x.zip(y).map { case (a, b) => a * b }.sum
    val pairs = for (u <- 0 until m.users.size; i <- 0 until m.items.size) yield (u, i)
    val loss = pairs.map { case pair @ (u, i) =>
      val score = dot(row(m.users, u), row(m.items, i))
      rated.get(pair) match {
        case Some(r) if p.implicitFeedback =>
          val wanted = if (r > 0) 1 else 0
          (1 + p.alpha * Math.abs(r)) * Math.pow(wanted - score, 2)
        case Some(r) => Math.pow(r - score, 2)
        case None    => if (p.implicitFeedback) score * score else 0.0
      }
    }.sum
    def penalty(t: FactorTable, of: ((Int, Int)) => Int) =
      rated.toSeq
        .collect { case (pair, r) if !p.implicitFeedback || r > 0 => of(pair) }
        .groupBy(identity)
        .map { case (r, all) => all.length * dot(row(t, r), row(t, r)) }
        .sum
    loss + p.reg * (penalty(m.users, _._1) + penalty(m.items, _._2))
  }

  test("another seed gives other factors, and strategies with one seed the same") {
    def rows(seed: Long) = fit(
      false,
      false,
      "data-parallel",
      1,
      1,
      more = Seq("random_state" -> seed, "max_iter" -> 1)
    ).users.rows.toSeq
    assert(rows(1) == rows(1))
    assert(Set(rows(0), rows(1), rows(-1), rows(1L << 62)).size == 4)
  }

  test("a fit that fails or is stopped leaves nothing persisted or shared") {
    for (strategy <- Seq("broadcast", "data-parallel", "blocked", "hybrid")) {
      val before = Shared.held
      val monitor = new mllibpy.engine.Monitor
      val bad = Samples.params("strategy" -> strategy, "num_blocks" -> 2, "rank" -> 3)
      val stopper = new Thread(() => {
        while (monitor.history.length < 3) Thread.sleep(1)
        monitor.stop()
      })
      stopper.start()
      val e = intercept[mllibpy.engine.InvalidInput](
        Als.fit(Samples.ratings(sc), bad.set("max_iter", 1000), monitor)
      )
      stopper.join()
      assert(e.kind == "interrupt" && Shared.held == before)
    }
  }
}
