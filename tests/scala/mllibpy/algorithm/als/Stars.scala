package mllibpy.algorithm.als

import org.apache.spark.SparkContext

import scala.util.Random

/** Half stars for about half of the pairs of a few users and items. */
object Stars {
  def apply(sc: SparkContext, users: Int = 30, items: Int = 20, partitions: Int = 3): Ratings = {
    val random = new Random(1)
    val triples = for {
      u <- 0 until users
      i <- 0 until items
      if u == i || random.nextBoolean()
    } yield (3L * u + 1, 7L * i + 2, 0.5f * (1 + random.nextInt(10)))
    Ratings.of(sc.parallelize(triples, partitions))
  }
}
