import mllibpy.algorithm.als.{Als, AlsParams, Ratings}
import org.apache.spark.sql.SparkSession

/** ALS from Scala: an RDD of triples in, predictions out. */
object AlsExample {
  def main(args: Array[String]): Unit = {
    val spark = SparkSession.builder().master("local[2]").appName("AlsExample").getOrCreate()
    val triples = spark.sparkContext.parallelize(
      for (user <- 1L to 20L; item <- 1L to 15L if (user + item) % 3 != 0)
        yield (user, item, if ((user + item) % 2 == 0) 5f else 1f)
    )
    val ratings = Ratings.of(triples)
    val model = Als.fit(ratings, AlsParams().set("rank", 2).set("reg", 0.01).set("max_iter", 20))
    val predicted = model.predict(model.users.rowOf(1L), model.items.rowOf(2L))
    println(f"RMSE ${model.score(ratings).rmse}%.4f, user 1 and item 2: $predicted%.2f")
  }
}
