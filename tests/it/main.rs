mod driver;
mod wait;
