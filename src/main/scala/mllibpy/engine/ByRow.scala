package mllibpy.engine

import org.apache.spark.rdd.{RDD, ShuffledRDD}

/** Triples brought together by row, for what depends on all of a row's triples. */
object ByRow {

  /** One chunk to a partition: all triples of its rows, in the order of the input. One shuffle. */
  def gather(chunks: RDD[Triples]): RDD[Triples] = {
    val wanted = Math.max(chunks.getNumPartitions, chunks.sparkContext.defaultParallelism)
    val buckets = Buckets(Buckets.Most, Math.min(Buckets.Most, wanted))
    val pieces =
      chunks.mapPartitionsWithIndex((p, it) => Layout.split(p, it, buckets, keepTimes = true))
    new ShuffledRDD[Int, Piece, Piece](pieces, BlockPartitioner(buckets.blocks))
      .mapPartitions(it =>
        Iterator.single(
          Triples.concat(it.map(_._2).toSeq.sortBy(p => (p.partition, p.sequence)).map(_.triples))
        )
      )
  }

  /** The triples that `keep` accepts by their place in their row and their row's length.
    *
    * @param order
    *   of a row's triples, by their positions in `t`; equal ones stay in the order of the input
    */
  def filter(t: Triples, order: Ordering[Int])(keep: (Int, Int) => Boolean): Triples = {
    val kept = new Array[Boolean](t.size)
    for (row <- rows(t)) {
      val sorted = row.sorted(order)
      for (place <- sorted.indices) kept(sorted(place)) = keep(place, sorted.length)
    }
    t.filter(kept(_))
  }

  /** The positions of each row's triples, ascending. */
  private def rows(t: Triples): Iterator[Array[Int]] = {
    val numbers = new KeyIndex(1 << 12)
    val of = t.rows.map(numbers.add)
    val end = new Array[Int](numbers.size)
    of.foreach(r => end(r) += 1)
    for (r <- 1 until end.length) end(r) += end(r - 1)
    val next = end.clone()
    val byRow = new Array[Int](t.size)
    for (i <- of.indices.reverse) {
      next(of(i)) -= 1
      byRow(next(of(i))) = i
    }
    end.indices.iterator.map(r => byRow.slice(next(r), end(r)))
  }
}
