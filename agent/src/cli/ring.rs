use super::Failure;
pub fn inspect(_d: &std::path::Path, _j: bool) -> Result<(), Failure> {
    todo!()
}
pub fn verify(_d: &std::path::Path) -> Result<(), Failure> {
    todo!()
}
pub fn export(_d: &std::path::Path, _n: Option<&str>) -> Result<(), Failure> {
    todo!()
}
