package mllibpy.engine

import org.apache.spark.rdd.{RDD, ShuffledRDD}

/** Lays triples out into blocks by row: one shuffle, then each block is built where it rests. */
object Layout {

  /** One [[Built]] per block, in the order of the blocks; block i is partition i. Lazy. */
  def blocks(chunks: RDD[Triples], buckets: Buckets, policy: Duplicates): RDD[Built] = {
    val keepTimes = policy == Duplicates.Last
    val pieces = chunks.mapPartitionsWithIndex((p, it) => split(p, it, buckets, keepTimes))
    new ShuffledRDD[Int, Piece, Piece](pieces, BlockPartitioner(buckets.blocks))
      .mapPartitionsWithIndex(
        (number, it) =>
          Iterator.single(new BlockBuilder(it.map(_._2).toSeq, policy).build(number, buckets)),
        preservesPartitioning = true
      )
  }

  /** Drops blocks at rest, and the files of the shuffle that brought them together. */
  def release(blocks: RDD[Built]): Unit = {
    blocks.unpersist(blocking = false)
    // Spark cleans shuffles back to the nearest persisted ancestor: made one for a moment, the pieces
    // keep those of the caller.
    val pieces = blocks.dependencies.head.rdd.dependencies.head.rdd
    pieces.persist()
    blocks.cleanShuffleDependencies()
    pieces.unpersist(blocking = false)
  }

  private[engine] def split(
      partition: Int,
      chunks: Iterator[Triples],
      buckets: Buckets,
      keepTimes: Boolean
  ): Iterator[(Int, Piece)] = {
    val expected = Math.max(64, Triples.ChunkSize / buckets.blocks)
    val waiting = new Array[TriplesBuilder](buckets.blocks)
    var sequence = -1
    def piece(block: Int): (Int, Piece) = {
      sequence += 1
      (block, new Piece(partition, sequence, waiting(block).result()))
    }
    val full = chunks.flatMap { c =>
      val timed = keepTimes && c.times != null
      val weighted = c.weights != null
      val out = Seq.newBuilder[(Int, Piece)]
      var i = 0
      while (i < c.size) {
        val block = buckets.blockOf(c.rows(i))
        if (waiting(block) == null) waiting(block) = new TriplesBuilder(expected, timed, weighted)
        waiting(block).add(c.rows(i), c.columns(i), c.values(i), c.time(i), c.weight(i))
        if (waiting(block).size >= Triples.ChunkSize) out += piece(block)
        i += 1
      }
      out.result()
    }
    full ++ waiting.indices.iterator
      .filter(b => waiting(b) != null && waiting(b).size > 0)
      .map(piece)
  }
}
