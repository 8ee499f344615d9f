use arrow_array::cast::AsArray;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use sha2::{Digest, Sha256};

use crate::lake::Lake;
use crate::stream::Stream;

const T10: &str = "2026-11-22T10:00:00Z";

fn noise(random: &mut fastrand::Rng, length: usize) -> String {
    (0..length).map(|_| random.alphanumeric()).collect()
}

#[test]
fn files_of_a_table_do_not_overlap_and_say_what_they_are() {
    let mut lake = Lake::in_memory();
    lake.config.file_bytes = 50_000;
    lake.rows = 5000;
    let mut random = fastrand::Rng::with_seed(1);
    let mut stream = Stream::complete(T10);
    for i in 0..30_000_u32 {
        let id = format!("user_{:08}", i.wrapping_mul(2_654_435_761) % 100_000_000);
        let email = noise(&mut random, 20);
        stream = stream.node("WorkOSUser", &id, 1, &format!(r#""email":"{email}""#));
    }
    lake.load(&stream).unwrap();
    let entry = lake.entry("WorkOSUser");
    assert!(entry.files.len() > 2, "{}", entry.files.len());
    assert!(entry.files.windows(2).all(|pair| pair[0].max < pair[1].min));
    assert_eq!(entry.rows, 30_000);
    let ids = lake.ids("WorkOSUser");
    assert!(ids.is_sorted() && ids.len() == 30_000);
    let objects = lake.objects();
    for file in &entry.files {
        let bytes = &objects[&file.path];
        let sum: Vec<u8> = Sha256::digest(bytes).to_vec();
        let hex = |at: usize| u8::from_str_radix(&file.sha256[at * 2..at * 2 + 2], 16).unwrap();
        assert_eq!(sum, (0..32).map(hex).collect::<Vec<_>>());
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        let metadata = reader.metadata().file_metadata();
        assert_eq!(metadata.num_rows() as u64, file.rows);
        let pairs = metadata.key_value_metadata().unwrap();
        let value = |key: &str| pairs.iter().find(|p| p.key == key).and_then(|p| p.value.as_deref());
        assert_eq!(value("workos_lake.label"), Some("WorkOSUser"));
        assert_eq!(value("workos_lake.extra_labels"), Some("UserAccount"));
        assert_eq!(value("workos_lake.protocol"), Some("1"));
        assert!(value("workos_lake.tool").unwrap().starts_with("workos-lake"));
    }
    let batch = &lake.batches("WorkOSUser")[0];
    let labels = batch.column_by_name("labels").unwrap().as_list::<i32>().value(0);
    assert_eq!(labels.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["WorkOSUser", "UserAccount"]);
}

#[test]
fn a_parquet_file_says_how_it_is_sorted_and_where_its_pages_are() {
    let mut lake = Lake::in_memory();
    lake.load(&Stream::complete(T10).node("WorkOSUser", "user_1", 1, "")).unwrap();
    let objects = lake.objects();
    let bytes: &Bytes = &objects[&lake.entry("WorkOSUser").files[0].path];
    let reader = SerializedFileReader::new(bytes.clone()).unwrap();
    let group = reader.metadata().row_group(0);
    assert_eq!(group.sorting_columns().unwrap()[0].column_idx, 0);
    assert!(group.columns().iter().all(|c| c.offset_index_offset().is_some()));
    let id = group.column(0);
    assert_eq!(id.statistics().unwrap().min_bytes_opt(), Some(&b"user_1"[..]));
    assert!(format!("{:?}", id.compression()).starts_with("ZSTD"));
}

/// More than one part, more than one row group, values as large as the API's largest.
#[test]
fn large_values_pass_in_parts_and_come_back() {
    for mut lake in [Lake::in_memory(), Lake::on_disk()] {
        let mut random = fastrand::Rng::with_seed(2);
        let values: Vec<String> = (0..64).map(|_| noise(&mut random, 1 << 20)).collect();
        let mut stream = Stream::complete(T10);
        for (i, value) in values.iter().enumerate() {
            stream = stream.node("WorkOSUser", &format!("user_{i:02}"), 1, &format!(r#""name":"{value}""#));
        }
        lake.config.memory = 8 << 20;
        lake.load(&stream).unwrap();
        let entry = lake.entry("WorkOSUser");
        let objects = lake.objects();
        let bytes = &objects[&entry.files[0].path];
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        assert!(reader.metadata().num_row_groups() > 1 || entry.files.len() > 1);
        assert!(bytes.len() > 20 << 20);
        let found: Vec<String> = lake.column("WorkOSUser", "name").into_iter().flatten().collect();
        assert!(found == values);
        // And they are carried as they are.
        lake.load(&Stream::complete("2026-11-22T11:00:00Z").quarantine("users", "user_07", 1, "odd")).unwrap();
        assert_eq!(lake.column("WorkOSUser", "name"), [Some(values[7].clone())]);
    }
}
