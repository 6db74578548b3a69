package mllibpy.algorithm.als

import mllibpy.engine.{StepRecord, TextIds}
import mllibpy.kernel.{PackedFloats, Scramble}
import org.apache.spark.SparkContext

import scala.util.Random

/** Small ratings and models to test on. */
object Samples {
  type Triple = (Long, Long, Float)

  /** About 600 ratings of 60 users and 40 items, with ids far apart, some users and items with one.
    */
  val triples: Seq[Triple] = {
    val random = new Random(1)
    val some = Seq.fill(900)((random.nextInt(58) - 20, random.nextInt(38)))
    val all = (some.distinct.take(600) ++ Seq((100, 3), (3, 100), (101, 101))).distinct
    all.map { case (u, i) =>
      (
        u * 1000000007L,
        if (i % 2 == 0) i.toLong else Long.MaxValue - i,
        (1 + (u * 7 + i * 3 + random.nextInt(3)).abs % 5).toFloat
      )
    }
  }

  def ratings(sc: SparkContext, some: Seq[Triple] = triples, partitions: Int = 2): Ratings =
    Ratings.of(sc.parallelize(some, partitions))

  /** Parameters by name. */
  def params(set: (String, Any)*): AlsParams =
    set.foldLeft(AlsParams()) { case (p, (name, value)) => p.set(name, value) }

  /** A side with the given ids; row r of rank-long rows belongs to the r-th id. */
  def table(ids: Seq[Long], rank: Int, rows: Float*): FactorTable =
    new FactorTable(rank, ids.map(Scramble.mix).toArray, null, rows.toArray)

  def texts(names: Seq[String], rank: Int, rows: Float*): FactorTable =
    new FactorTable(rank, names.map(TextIds.key).toArray, names.toArray, rows.toArray)

  def seen(items: Seq[Seq[Int]], values: PackedFloats = null): Seen =
    new Seen(items.scanLeft(0)(_ + _.length).toArray, items.flatten.toArray, values)

  val facts: FitFacts = FitFacts(
    "data-parallel",
    "max_iter=2 iterations done",
    2,
    5,
    3.5,
    1,
    Seq(StepRecord(1, "user", 9.5, 0.25), StepRecord(1, "item", 8.25, 0.125)),
    Map("total" -> 1.5)
  )

  def model(users: FactorTable, items: FactorTable, seen: Seen, set: (String, Any)*): AlsModel =
    new AlsModel(params(("rank" -> users.rank) +: set: _*), users, items, seen, facts)

  val unsigned: Ordering[Long] = (a, b) => java.lang.Long.compareUnsigned(a, b)
}
